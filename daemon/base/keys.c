/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys live in pages of their own: locked, left out of core dumps and of children. A page, once
 * mapped, is kept for the life of the process; its cells are wiped and reused.
 */
#include "base/keys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "base/util.h"

enum { CHUNK_LEN = 64 * 1024 };

union cell {
	struct keys keys;
	union cell *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static union cell *free_cells; /* guarded by lock */
static atomic_uint_least64_t last_id;

static bool grow(void)
{
	union cell *chunk =
		mmap(NULL, CHUNK_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (chunk == MAP_FAILED)
		return false;
	/* RLIMIT_MEMLOCK may be small: unlocked keys can reach swap, but refusing would be worse. */
	(void)mlock(chunk, CHUNK_LEN);
	(void)madvise(chunk, CHUNK_LEN, MADV_DONTDUMP);
	(void)madvise(chunk, CHUNK_LEN, MADV_WIPEONFORK);
	for (size_t i = 0; i < CHUNK_LEN / sizeof(*chunk); i++) {
		chunk[i].next = free_cells;
		free_cells = &chunk[i];
	}
	return true;
}

struct keys *keys_new(void)
{
	union cell *cell = NULL;

	pthread_mutex_lock(&lock);
	if (free_cells || grow()) {
		cell = free_cells;
		free_cells = cell->next;
	}
	pthread_mutex_unlock(&lock);
	if (!cell)
		return NULL;
	memset(cell, 0, sizeof(*cell));
	cell->keys.id = atomic_fetch_add(&last_id, 1) + 1;
	return &cell->keys;
}

void keys_free(struct keys *keys)
{
	union cell *cell = (union cell *)keys;

	if (!cell)
		return;
	explicit_bzero(cell, sizeof(*cell));
	pthread_mutex_lock(&lock);
	cell->next = free_cells;
	free_cells = cell;
	pthread_mutex_unlock(&lock);
}

void keys_forget_key(struct keys *keys)
{
	explicit_bzero(keys->key, sizeof(keys->key));
	explicit_bzero(keys->iv, sizeof(keys->iv));
}

bool keys_has_key(const struct keys *keys)
{
	static const uint8_t none[KEYS_KEY_MAX];

	return memcmp(keys->key, none, sizeof(none)) != 0;
}
