/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's answers as JSON: the types of io.ktlsd.varlink, and nothing about sockets. */
#ifndef KTLSD_HOST_REPORT_H
#define KTLSD_HOST_REPORT_H

#include <linux/types.h>
#include <stdbool.h>

struct conn_info;
struct counters;
struct json;
struct ktls_socket;
struct limits;
struct listener;
struct observer;
struct report_reader;

/* A connection of ours; `seen` is what the kernel says of it, or NULL. Sockets of others are
 * report_socket()'s (bpf/report.h). */
struct json *report_connection(const struct conn_info *info, const struct ktls_socket *seen,
			       const struct report_reader *reader);

struct json *report_listener(struct listener *l);
struct json *report_limits(const struct limits *l, const struct counters *sum);
struct json *report_counters(const struct counters *sum);
struct json *report_reasons(const struct counters *sum);
struct json *report_observer(const struct observer *o);

#endif
