/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections of ktlsd and kernel-TLS sockets of others, as `list` and `top` show them. */
#ifndef KTLSD_CLI_CONNECTIONS_H
#define KTLSD_CLI_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/options.h"

struct filter;
struct json;
struct listing;

extern const struct listing connections_listing;

/* The same with rates, which a row must have as records_s and bytes_s. */
extern const struct listing connections_rates_listing;

/* One connection as its JSON, lent: 0, -EINVAL (no Connection), -ENOMEM, or -ECANCELED after
 * saying what is wrong. */
typedef int connections_fn(const char *text, size_t len, void *arg);

/*
 * Hands over each connection that the filter and the options do not leave out: of ktlsd, or where
 * none runs and --socket names none, for root, of the kernel, which is said. *observer is set to what the observer says of itself, the caller's, or NULL.
 */
enum exit_code connections_read(const struct options *options, const struct filter *filter,
				connections_fn *each, void *arg, struct json **observer);

/* True if there is somebody to read them from; `daemon`: ktlsd has answered. */
bool connections_are_readable(const struct options *options, bool daemon);

/* Says on stderr what a listing may lack by the observer's word, which may be NULL. */
void connections_note(struct json *observer);

#endif
