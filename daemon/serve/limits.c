/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts against limits, by atomics; addresses have a table of their own. */
#include "serve/limits.h"

#include <errno.h>
#include <stdbool.h>

#include "base/util.h"
#include "serve/addresses.h"

#define NS_PER_S (MS_PER_S * NS_PER_MS)

int limits_init(struct limits *l)
{
	*l = (struct limits){ .addresses = addresses_new() };
	return l->addresses ? 0 : -ENOMEM;
}

void limits_fini(struct limits *l)
{
	addresses_free(l->addresses);
	l->addresses = NULL;
}

static bool take(atomic_uint *used, const atomic_uint *max)
{
	if (atomic_fetch_add(used, 1) < atomic_load(max))
		return true;
	atomic_fetch_sub(used, 1);
	return false;
}

enum reason limits_enter(struct limits *l, const struct sockaddr_storage *peer,
			 struct address **address)
{
	unsigned max = atomic_load(&l->max_per_address);
	int err;

	*address = NULL;
	if (!take(&l->connections, &l->max_connections))
		return REASON_LIMIT_CONNECTIONS;
	err = max ? addresses_enter(l->addresses, peer, max, address) : 0;
	if (!err)
		return REASON_NONE;
	atomic_fetch_sub(&l->connections, 1);
	return err == -EUSERS ? REASON_LIMIT_PER_ADDRESS : REASON_NO_MEMORY;
}

void limits_leave(struct limits *l, struct address *address)
{
	addresses_leave(l->addresses, address);
	atomic_fetch_sub(&l->connections, 1);
}

/*
 * A token bucket of one number: the moment until which the tokens are spent. It lies no further
 * ahead than the bucket holds, a second, and is left behind while the bucket fills.
 */
static bool take_token(struct limits *l)
{
	unsigned rate = atomic_load(&l->max_handshake_rate);
	uint64_t now = now_ns(), spent = atomic_load(&l->rate_ns), next;

	if (!rate)
		return true;
	do {
		next = (spent > now ? spent : now) + NS_PER_S / rate;
		if (next > now + NS_PER_S)
			return false;
	} while (!atomic_compare_exchange_weak(&l->rate_ns, &spent, next));
	return true;
}

enum reason limits_begin_handshake(struct limits *l)
{
	if (!take(&l->handshakes, &l->max_handshakes))
		return REASON_LIMIT_HANDSHAKES;
	if (take_token(l))
		return REASON_NONE;
	atomic_fetch_sub(&l->handshakes, 1);
	return REASON_LIMIT_HANDSHAKE_RATE;
}

void limits_end_handshake(struct limits *l)
{
	atomic_fetch_sub(&l->handshakes, 1);
}
