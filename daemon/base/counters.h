/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one worker counts. Its thread alone writes, any thread may read: plain increments. */
#ifndef KTLSD_BASE_COUNTERS_H
#define KTLSD_BASE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/reason.h"

enum direction { TX, RX, N_DIRECTIONS };

enum counter {
#define COUNTER(id, name, type, unit, help) COUNTER_##id,
#include "base/counters.def"
#undef COUNTER
	COUNTER_COUNT
};

enum counter_type { COUNTER_TYPE_COUNTER, COUNTER_TYPE_GAUGE };

struct counters {
	atomic_uint_least64_t value[COUNTER_COUNT];
	atomic_uint_least64_t fallback[N_DIRECTIONS][REASON_COUNT]; /* directions in user space */
	atomic_uint_least64_t end[REASON_COUNT]; /* connections ended or refused */
};

const char *counter_name(enum counter c);
const char *counter_unit(enum counter c);
const char *counter_help(enum counter c);
enum counter_type counter_type(enum counter c);

/* "tx" or "rx" */
const char *direction_name(enum direction d);

/* Adds; only the owning thread may call it, so there is no locked instruction. */
static inline void count_add(atomic_uint_least64_t *c, int64_t n)
{
	uint64_t v = atomic_load_explicit(c, memory_order_relaxed) + (uint64_t)n;

	atomic_store_explicit(c, v, memory_order_relaxed);
}

static inline uint64_t count_get(const atomic_uint_least64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

/* Adds every figure of `from` to `sum`; `sum` belongs to the caller's thread. */
void counters_sum(struct counters *sum, const struct counters *from);

#endif
