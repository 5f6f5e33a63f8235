/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two generations of ticket keys behind a lock that only handshakes take. */
#include "tls/ticket.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/keys.h"
#include "base/suite.h"
#include "base/util.h"
#include "tls/aead.h"

enum { TICKET_SUITE = 0x1302, SITE_LEN = 8, AAD_LEN = TICKET_NAME_LEN + SITE_LEN };

#define ROTATE_NS (UINT64_C(12) * 3600 * 1000 * NS_PER_MS)

struct generation {
	uint8_t name[TICKET_NAME_LEN];
	struct keys *keys; /* owned; NULL before the first rotation */
};

struct ticket_keys {
	pthread_rwlock_t lock;
	struct generation current, previous;
	atomic_uint_least64_t born_ns;
};

static int generation_make(struct generation *g)
{
	g->keys = keys_new();
	if (!g->keys)
		return -ENOMEM;
	g->keys->suite = suite_find(TICKET_SUITE);
	if (!aead_random(g->name, sizeof(g->name)) &&
	    !aead_random(g->keys->key, sizeof(g->keys->key)))
		return 0;
	keys_free(g->keys);
	g->keys = NULL;
	return -EIO;
}

struct ticket_keys *ticket_keys_new(void)
{
	struct ticket_keys *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	if (generation_make(&t->current)) {
		free(t);
		return NULL;
	}
	pthread_rwlock_init(&t->lock, NULL);
	t->born_ns = now_ns();
	return t;
}

void ticket_keys_free(struct ticket_keys *t)
{
	if (!t)
		return;
	keys_free(t->current.keys);
	keys_free(t->previous.keys);
	pthread_rwlock_destroy(&t->lock);
	free(t);
}

/* Ages by whole periods: after two without a ticket the old keys are two generations old. */
static void rotate_if_due(struct ticket_keys *t)
{
	struct generation next;

	pthread_rwlock_wrlock(&t->lock);
	if (now_ns() - t->born_ns > ROTATE_NS && !generation_make(&next)) {
		keys_free(t->previous.keys);
		t->previous = t->current;
		t->current = next;
		t->born_ns = now_ns();
	}
	pthread_rwlock_unlock(&t->lock);
}

static void put_aad(uint8_t aad[static AAD_LEN], const uint8_t *name, uint64_t site)
{
	memcpy(aad, name, TICKET_NAME_LEN);
	be64_put(aad + TICKET_NAME_LEN, site);
}

int ticket_seal(struct ticket_keys *t, uint64_t site, uint8_t name[static TICKET_NAME_LEN],
		uint8_t nonce[static TICKET_NONCE_LEN], uint8_t tag[static 16], uint8_t *ticket,
		size_t len)
{
	uint8_t work[TICKET_MAX + AEAD_TAG_LEN], aad[AAD_LEN];
	int err;

	if (len > TICKET_MAX)
		return -EMSGSIZE;
	err = aead_random(nonce, TICKET_NONCE_LEN);
	if (err)
		return err;
	if (now_ns() - t->born_ns > ROTATE_NS)
		rotate_if_due(t);
	memcpy(work, ticket, len);
	pthread_rwlock_rdlock(&t->lock);
	memcpy(name, t->current.name, TICKET_NAME_LEN);
	put_aad(aad, name, site);
	err = aead_seal(t->current.keys, nonce, aad, sizeof(aad), work, len);
	pthread_rwlock_unlock(&t->lock);
	if (!err) {
		memcpy(ticket, work, len);
		memcpy(tag, work + len, AEAD_TAG_LEN);
	}
	explicit_bzero(work, sizeof(work));
	return err;
}

static const struct keys *find(const struct ticket_keys *t, const uint8_t *name)
{
	bool previous_is_fresh = now_ns() - t->born_ns < ROTATE_NS;

	if (!memcmp(name, t->current.name, TICKET_NAME_LEN))
		return t->current.keys;
	if (t->previous.keys && previous_is_fresh &&
	    !memcmp(name, t->previous.name, TICKET_NAME_LEN))
		return t->previous.keys;
	return NULL;
}

int ticket_open(struct ticket_keys *t, uint64_t site, const uint8_t name[static TICKET_NAME_LEN],
		const uint8_t nonce[static TICKET_NONCE_LEN], const uint8_t tag[static 16],
		uint8_t *ticket, size_t len)
{
	uint8_t work[TICKET_MAX + AEAD_TAG_LEN], aad[AAD_LEN];
	const struct keys *k;
	int err;

	if (len > TICKET_MAX)
		return -EBADMSG;
	memcpy(work, ticket, len);
	memcpy(work + len, tag, AEAD_TAG_LEN);
	put_aad(aad, name, site);
	pthread_rwlock_rdlock(&t->lock);
	k = find(t, name);
	err = k ? aead_open(k, nonce, aad, sizeof(aad), work, len) : -ENOKEY;
	pthread_rwlock_unlock(&t->lock);
	if (!err)
		memcpy(ticket, work, len);
	explicit_bzero(work, sizeof(work));
	return err;
}
