/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the status page shows, as JSON. */
#ifndef KTLSD_HOST_STATUS_REPORT_H
#define KTLSD_HOST_STATUS_REPORT_H

struct json;
struct service;

/* The listeners, as several methods answer them; the caller's. */
struct json *status_report_listeners(const struct service *s);

/* The answer of GetStatus; the caller's. */
struct json *status_report_method(struct service *s);

/* The answer of GetStats; the caller's. */
struct json *status_report_stats(struct service *s);

/*
 * GET /status.json: { status: the answer of GetStatus, stats: that of GetStats, connections: rows as
 * of ListConnections, at most a thousand, connections_total: how many there are, texts: { reason: {
 * class, what, remedy } } }; the caller's.
 */
struct json *status_report(struct service *s);

#endif
