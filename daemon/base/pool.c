/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The buffer pool: a free list. */
#include "base/pool.h"

#include <stdlib.h>

void pool_init(struct pool *p, unsigned keep)
{
	*p = (struct pool){ .keep = keep };
}

void pool_fini(struct pool *p)
{
	struct pool_buffer *next;

	for (struct pool_buffer *b = p->free; b; b = next) {
		next = b->next;
		free(b);
	}
	p->free = NULL;
}

struct pool_buffer *pool_get(struct pool *p)
{
	struct pool_buffer *b = p->free;

	if (b) {
		p->free = b->next;
		p->n_free--;
	} else {
		b = malloc(sizeof(*b));
		if (!b)
			return NULL;
	}
	p->n_out++;
	b->next = NULL;
	b->off = b->len = 0;
	return b;
}

void pool_put(struct pool *p, struct pool_buffer **buffer)
{
	struct pool_buffer *b = *buffer;

	if (!b)
		return;
	*buffer = NULL;
	p->n_out--;
	if (p->n_free >= p->keep) {
		free(b);
		return;
	}
	b->next = p->free;
	p->free = b;
	p->n_free++;
}
