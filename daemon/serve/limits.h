/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the operator limits, for all workers together. Asked at accept, where a handshake begins and
 * where either ends; never while bytes move.
 */
#ifndef KTLSD_SERVE_LIMITS_H
#define KTLSD_SERVE_LIMITS_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/reason.h"

struct address;
struct addresses;
struct probe;

/* A reload writes the limits, the workers what is in use. */
struct limits {
	atomic_uint max_connections, max_handshakes;
	atomic_uint max_handshake_rate; /* begun in a second; 0: no limit */
	atomic_uint max_per_address;	/* connections of one client address; 0: no limit */
	atomic_uint max_key_records;	/* under one sending key; 0: what its suite allows */
	atomic_uint connections, handshakes;
	atomic_uint_least64_t rate_ns; /* handshakes of the rate are spent until then */
	struct addresses *addresses;   /* owned */
	/* What this kernel can do: shared in the same way. */
	_Atomic(const struct probe *) probe;
};

/* Everything zero but the table. 0 or -ENOMEM. */
int limits_init(struct limits *l);
void limits_fini(struct limits *l); /* a zeroed one is fine */

/*
 * A connection from that peer: REASON_NONE, then it is counted until limits_leave() gets *address
 * back, which is NULL where addresses are not limited; or the reason to refuse it for.
 */
enum reason limits_enter(struct limits *l, const struct sockaddr_storage *peer,
			 struct address **address);
void limits_leave(struct limits *l, struct address *address);

/*
 * A handshake that would begin now: REASON_NONE, then it is in flight until
 * limits_end_handshake(); or the reason to refuse it for. A second's worth of the rate may begin
 * at once, so that clients that come back together, after a restart, are not refused.
 */
enum reason limits_begin_handshake(struct limits *l);
void limits_end_handshake(struct limits *l);

#endif
