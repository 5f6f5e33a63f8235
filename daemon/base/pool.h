/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Record-sized buffers of one thread, held only while bytes are in flight. */
#ifndef KTLSD_BASE_POOL_H
#define KTLSD_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

/* One TLS record at its largest: header 5, 2^14 and 256 of expansion (RFC 8446 5.2, RFC 5246
 * 6.2.3 allows 2048 but AEAD suites never need it). */
enum { POOL_BUFFER_LEN = 5 + 16384 + 256 + 64 };

struct pool_buffer {
	struct pool_buffer *next; /* in the pool */
	uint32_t off, len;	  /* bytes in flight: data[off .. off + len) */
	uint8_t data[POOL_BUFFER_LEN];
};

struct pool {
	struct pool_buffer *free;
	unsigned n_free, n_out;
	unsigned keep; /* buffers kept for the next user; more are given back to the allocator */
};

void pool_init(struct pool *p, unsigned keep);

/* All buffers must have been put back. */
void pool_fini(struct pool *p);

/* An empty buffer, or NULL when memory is short. */
struct pool_buffer *pool_get(struct pool *p);

/* Puts *b back and sets it to NULL; *b may be NULL. */
void pool_put(struct pool *p, struct pool_buffer **b);

#endif
