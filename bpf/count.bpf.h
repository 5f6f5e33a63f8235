/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counts into the totals. What is counted is rare, so that one counter for all CPUs will do. */
#ifndef KTLSD_BPF_COUNT_BPF_H
#define KTLSD_BPF_COUNT_BPF_H

#include "bpf/maps.bpf.h"

static const struct total blank_total;

/* Its row is there since the load. */
static void count_observer(__u8 what)
{
	struct ktls_total_key key = { .event = KTLS_N_EVENTS + what, .direction = KTLS_BOTH };
	struct total *t = bpf_map_lookup_elem(&totals, &key);

	if (t)
		__sync_fetch_and_add(&t->count, 1);
}

static struct total *total_find(const struct ktls_total_key *key)
{
	struct total *t = bpf_map_lookup_elem(&totals, key);

	if (t)
		return t;
	bpf_map_update_elem(&totals, key, &blank_total, BPF_NOEXIST);
	return bpf_map_lookup_elem(&totals, key);
}

static void count_total(const struct ktls_total_key *key, __u64 records, __u64 payload)
{
	struct total *t = total_find(key);

	if (!t) {
		count_observer(KTLS_OBSERVER_TOTALS_FULL);
		return;
	}
	__sync_fetch_and_add(&t->count, 1);
	if (records)
		__sync_fetch_and_add(&t->records, records);
	if (payload)
		__sync_fetch_and_add(&t->payload, payload);
}

#endif
