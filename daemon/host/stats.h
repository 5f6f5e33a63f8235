/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums over sockets and totals, and what the kernel counts of the same. Only arithmetic. */
#ifndef KTLSD_HOST_STATS_H
#define KTLSD_HOST_STATS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

struct listing_row;
struct walk;

/* Sockets that are alike in one direction. */
struct stats_group {
	bool ours;
	uint8_t direction; /* KTLS_TX, KTLS_RX */
	uint16_t version;  /* 0: without any key */
	uint16_t cipher;
	const char *mode; /* static */
	uint64_t n;	  /* sockets */
	uint64_t records; /* of those whose records are known */
};

struct stats_groups {
	struct stats_group *groups; /* owned */
	size_t n;
};

/* Counts the row in, unless nothing of it is in the kernel. 0 or -ENOMEM. */
int stats_add(struct stats_groups *g, const struct listing_row *row);
void stats_groups_fini(struct stats_groups *g);

/* How often that happened: every total whose key is like this one where `any` does not say that
 * it matters not. */
enum stats_any {
	STATS_ANY_CONF = 1 << 0,
	STATS_ANY_OK = 1 << 1,
};
uint64_t stats_count(const struct walk *w, const struct ktls_total_key *key, unsigned any);

/* What the programs had no room for: KTLS_OBSERVER_*. */
uint64_t stats_count_observer(const struct walk *w, unsigned what);

/*
 * What the observer has for a counter of /proc/net/tls_stat: for a gauge the sockets of that
 * network namespace in the last walk, else the events of the whole host since the programs were
 * loaded. False where it has nothing to compare.
 */
bool stats_find_ours(const struct walk *w, uint32_t netns, const char *name, uint64_t *ours);

/*
 * Records that kernel and devices carried in a direction in all: of the sockets that have closed,
 * and of those there are. Of a socket that closed during the walk nothing is in it yet.
 */
uint64_t stats_records(const struct walk *w, unsigned direction, bool device);

#endif
