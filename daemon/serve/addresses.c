/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash table of client addresses. Its memory is bounded by the limit of connections: an address
 * without one is not in it. The hash is seeded, as clients choose their addresses.
 */
#include "serve/addresses.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <utlist.h>

#include "base/util.h"

enum { BUCKET_BITS = 14, N_BUCKETS = 1 << BUCKET_BITS, N_LOCKS = 64 };

struct address {
	struct address *next;
	uint64_t key;
	uint32_t bucket;
	uint32_t n;
};

struct addresses {
	uint64_t seed[2];
	pthread_mutex_t locks[N_LOCKS]; /* each guards every 64th bucket */
	struct address *buckets[N_BUCKETS];
};

struct addresses *addresses_new(void)
{
	struct addresses *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	/* Without randomness, early at boot, the table works all the same. */
	if (getrandom(t->seed, sizeof(t->seed), GRND_NONBLOCK) < 0)
		t->seed[0] = now_ns();
	t->seed[1] |= 1;
	for (int i = 0; i < N_LOCKS; i++)
		pthread_mutex_init(&t->locks[i], NULL);
	return t;
}

void addresses_free(struct addresses *t)
{
	struct address *a, *next;

	if (!t)
		return;
	for (int i = 0; i < N_BUCKETS; i++)
		LL_FOREACH_SAFE(t->buckets[i], a, next)
	free(a);
	for (int i = 0; i < N_LOCKS; i++)
		pthread_mutex_destroy(&t->locks[i]);
	free(t);
}

/* ::ffff:0:0/96 holds IPv4 in IPv6; as a /64 nobody can have it. */
static uint64_t key_of_v4(const uint8_t addr[static 4])
{
	uint32_t host;

	memcpy(&host, addr, sizeof(host));
	return UINT64_C(0xffff) << 32 | ntohl(host);
}

static uint64_t key_of(const struct sockaddr_storage *peer)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)peer;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;

	if (peer->ss_family == AF_INET)
		return key_of_v4((const uint8_t *)&in->sin_addr);
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return key_of_v4(in6->sin6_addr.s6_addr + 12);
	return be64_get(in6->sin6_addr.s6_addr);
}

/* Multiply-shift: two keys meet in one bucket as seldom as by chance, for who does not know the seed. */
static uint32_t bucket_of(const struct addresses *t, uint64_t key)
{
	uint64_t mixed = (key ^ t->seed[0]) * t->seed[1];

	mixed ^= mixed >> 32;
	return (uint32_t)((mixed * t->seed[1]) >> (64 - BUCKET_BITS));
}

static struct address *find_or_add(struct addresses *t, uint32_t bucket, uint64_t key)
{
	struct address *a;

	LL_FOREACH(t->buckets[bucket], a)
	if (a->key == key)
		return a;
	a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->key = key;
	a->bucket = bucket;
	LL_PREPEND(t->buckets[bucket], a);
	return a;
}

int addresses_enter(struct addresses *t, const struct sockaddr_storage *peer, unsigned max,
		    struct address **out)
{
	uint64_t key = key_of(peer);
	uint32_t bucket = bucket_of(t, key);
	pthread_mutex_t *lock = &t->locks[bucket % N_LOCKS];
	struct address *a;
	int err = 0;

	pthread_mutex_lock(lock);
	a = find_or_add(t, bucket, key);
	if (!a)
		err = -ENOMEM;
	else if (a->n >= max) /* max > 0, so this one is not new */
		err = -EUSERS;
	else
		a->n++;
	pthread_mutex_unlock(lock);
	*out = err ? NULL : a;
	return err;
}

void addresses_leave(struct addresses *t, struct address *a)
{
	pthread_mutex_t *lock;

	if (!a)
		return;
	lock = &t->locks[a->bucket % N_LOCKS];
	pthread_mutex_lock(lock);
	if (--a->n) {
		a = NULL;
	} else {
		LL_DELETE(t->buckets[a->bucket], a);
	}
	pthread_mutex_unlock(lock);
	free(a);
}
