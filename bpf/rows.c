/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An array with a hash table over it; must not know where sockets come from. */
#include "bpf/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

enum { MAX_ROWS = 1 << 20, MIN_ROWS = 64 };

/* Inodes are numbered one after the other: any mixing is good enough. */
static size_t hash(const struct rows *rows, uint64_t inode)
{
	return (size_t)(inode * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (rows->n_slots - 1);
}

/* Where the inode is, or would be. */
static uint32_t *find_slot(const struct rows *rows, uint64_t inode)
{
	size_t i = hash(rows, inode);

	while (rows->slots[i] && rows->sockets[rows->slots[i] - 1].inode != inode)
		i = (i + 1) & (rows->n_slots - 1);
	return &rows->slots[i];
}

/* A socket that nobody has open has no inode. */
static void enter(struct rows *rows, size_t i)
{
	if (rows->sockets[i].inode)
		*find_slot(rows, rows->sockets[i].inode) = (uint32_t)i + 1;
}

static int grow(struct rows *rows)
{
	size_t room = rows->room ? 2 * rows->room : MIN_ROWS;
	struct ktls_socket *sockets;
	uint32_t *slots;

	if (room > MAX_ROWS)
		return -ENOMEM;
	sockets = realloc(rows->sockets, room * sizeof(*sockets));
	if (!sockets)
		return -ENOMEM;
	rows->sockets = sockets;
	slots = calloc(2 * room, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(rows->slots);
	rows->slots = slots;
	rows->n_slots = 2 * room;
	rows->room = room;
	for (size_t i = 0; i < rows->n; i++)
		enter(rows, i);
	return 0;
}

static uint32_t find(const struct rows *rows, uint64_t inode)
{
	return rows->n_slots && inode ? *find_slot(rows, inode) : 0;
}

int rows_add(struct rows *rows, const struct ktls_socket *s)
{
	if (rows->n == rows->room && grow(rows))
		return -ENOMEM;
	rows->sockets[rows->n] = *s;
	enter(rows, rows->n++);
	return 0;
}

int rows_add_once(struct rows *rows, const struct ktls_socket *s)
{
	return find(rows, s->inode) ? 0 : rows_add(rows, s);
}

void rows_hold(struct rows *rows, const struct ktls_holder *holder)
{
	uint32_t at = find(rows, holder->inode);
	struct ktls_socket *s = at ? &rows->sockets[at - 1] : NULL;

	if (!s || s->holder_pid)
		return;
	s->holder_pid = holder->pid;
	memcpy(s->holder_comm, holder->comm, sizeof(s->holder_comm));
}

static int by_cookie(const void *a, const void *b)
{
	const struct ktls_socket *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

struct ktls_socket *rows_take(struct rows *rows, size_t *n)
{
	struct ktls_socket *taken = rows->sockets, *fitting;

	*n = rows->n;
	free(rows->slots);
	*rows = (struct rows){ .n = 0 };
	if (!*n) {
		free(taken);
		return NULL;
	}
	fitting = realloc(taken, *n * sizeof(*taken));
	if (fitting)
		taken = fitting;
	qsort(taken, *n, sizeof(*taken), by_cookie);
	return taken;
}
