/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's answers as JSON: the types of io.ktlsd.varlink. */
#ifndef KTLSD_HOST_REPORT_H
#define KTLSD_HOST_REPORT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

struct conn_info;
struct counters;
struct json;
struct ktls_event;
struct ktls_socket;
struct ktls_total;
struct limits;
struct listener;
struct observer;
struct report_reader;
struct stats_group;
struct tls_stat;

/* A connection of ours; `seen` is what the kernel says of it, or NULL. Sockets of others are
 * report_socket()'s (bpf/report.h). */
struct json *report_connection(const struct conn_info *info, const struct ktls_socket *seen,
			       const struct report_reader *reader);

struct json *report_listener(struct listener *l);
struct json *report_limits(const struct limits *l, const struct counters *sum);
struct json *report_counters(const struct counters *sum);
struct json *report_reasons(const struct counters *sum);

struct json *report_observer(const struct observer *o);
struct json *report_group(const struct stats_group *g);
struct json *report_total(const struct ktls_total *t); /* of an event, not of the programs' own */
struct json *report_tls_stat(const struct tls_stat *stat, const uint64_t *ours); /* NULL: none */

struct json *report_event(const struct ktls_event *e);

/* "ulp", "keys", ...: KTLS_EVENT_*. "tx", "rx" or NULL: KTLS_TX, KTLS_RX, KTLS_BOTH. */
const char *report_event_name(unsigned event);
const char *report_direction_name(unsigned direction);

#endif
