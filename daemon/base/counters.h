/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one worker counts. Its thread alone writes, any thread may read: plain increments. */
#ifndef KTLSD_BASE_COUNTERS_H
#define KTLSD_BASE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/reason.h"
#include "base/state.h"
#include "base/suite.h"

enum direction { TX, RX, N_DIRECTIONS };

/* Who carries a direction's records, as far as we know: the kernel may have given them to a device. */
enum mode { MODE_NONE, MODE_USER, MODE_KERNEL, N_MODES };

enum counter {
#define COUNTER(id, name, type, unit, help) COUNTER_##id,
#include "base/counters.def"
#undef COUNTER
	COUNTER_COUNT
};

enum counter_type { COUNTER_TYPE_COUNTER, COUNTER_TYPE_GAUGE };

/* How a handshake can fail. */
enum handshake_loss {
	HANDSHAKE_LOST_FAILED,
	HANDSHAKE_LOST_TIMEOUT,
	HANDSHAKE_LOST_CLOSED, /* by the client */
	HANDSHAKE_LOST_REFUSED,
	HANDSHAKE_N_LOSSES
};

enum kex_group {
	GROUP_NONE,
	GROUP_MLKEM,
	GROUP_X25519,
	GROUP_P256,
	GROUP_P384,
	GROUP_OTHER,
	N_GROUPS
};

/* Who wanted new keys: we, as the key was spent, or the peer. */
enum rekey_initiator { REKEY_LOCAL, REKEY_PEER, REKEY_N_INITIATORS };
enum rekey_result { REKEY_OK, REKEY_REFUSED, REKEY_FAILED, REKEY_N_RESULTS };

/* Upper bounds of handshake durations, in ms; the last bucket has none. */
enum { DURATION_N_BOUNDS = 13 };
extern const uint32_t duration_bounds_ms[DURATION_N_BOUNDS];

/* Nothing but counters: counters_sum() takes it as an array of them. */
struct counters {
	atomic_uint_least64_t value[COUNTER_COUNT];
	atomic_uint_least64_t fallback[N_DIRECTIONS][REASON_COUNT]; /* directions in user space */
	atomic_uint_least64_t end[REASON_COUNT]; /* connections ended or refused */

	/* Those that exist now: before the handshake's end by state alone, and then for each. */
	atomic_uint_least64_t early[CONN_N_STATES];
	atomic_uint_least64_t open[N_DIRECTIONS][N_MODES][SUITE_COUNT][CONN_N_STATES];
	atomic_uint_least64_t fallen[N_DIRECTIONS][REASON_COUNT]; /* as fallback, those of now */

	atomic_uint_least64_t lost[HANDSHAKE_N_LOSSES];
	struct handshake_counters { /* by version (1: TLS 1.3), and whether it resumed a session */
		atomic_uint_least64_t by_group[N_GROUPS];
		atomic_uint_least64_t duration[DURATION_N_BOUNDS + 1]; /* each bucket alone */
		atomic_uint_least64_t duration_ns;
	} handshakes[2][2];

	atomic_uint_least64_t payload[N_DIRECTIONS][N_MODES]; /* bytes */
	atomic_uint_least64_t records[N_DIRECTIONS];	      /* of user space */
	atomic_uint_least64_t rekeys[N_DIRECTIONS][REKEY_N_INITIATORS][REKEY_N_RESULTS];
	atomic_uint_least64_t decrypt_errors[N_MODES], framing_errors[N_MODES];
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
