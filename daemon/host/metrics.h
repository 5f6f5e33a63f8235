/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every figure of GET /metrics, as it is now: what the service has, what was asked of others for
 * this scrape, and what the kernel says beside. Waits for nobody.
 */
#ifndef KTLSD_HOST_METRICS_H
#define KTLSD_HOST_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exposition;
struct netlink_device;
struct service;
struct roster_tag;

/* Answers of the exporter's HTTP server, by status. */
enum metrics_code {
	METRICS_200,
	METRICS_400,
	METRICS_404,
	METRICS_405,
	METRICS_503,
	METRICS_N_CODES,
};

/* What does not stand in the service; lent. */
struct metrics_input {
	const struct roster_tag *tags; /* of all workers, sorted by cookie */
	size_t n_tags;
	bool has_tags;			      /* all workers have answered in time */
	const struct netlink_device *devices; /* that can do TLS */
	unsigned n_devices;
	bool has_devices;
	bool is_stale; /* no walk over the sockets ended in time */
	uint64_t lag_ns;
	uint64_t scrapes, last_scrape_ns;
	const uint64_t *responses; /* [METRICS_N_CODES] */
};

void metrics_write(struct exposition *x, struct service *s, const struct metrics_input *in);

#endif
