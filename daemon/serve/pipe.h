/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pipes through which spliced bytes go: few, made once, held only while bytes are in flight.
 * Make them while privileged: an unprivileged user's pipes shrink to less than one record when
 * they are many (pipe-user-pages-soft, pipe(7)).
 */
#ifndef KTLSD_SERVE_PIPE_H
#define KTLSD_SERVE_PIPE_H

#include <stdbool.h>

/* Bytes: where the system allows no more (pipe-max-size), a pipe keeps its 64 KiB. */
enum { PIPE_CAPACITY = 256 * 1024 };

struct pipe {
	struct pipe *next;
	int read_fd, write_fd;
};

/* A pool belongs to one thread. */
struct pipe_pool {
	struct pipe *pipes; /* all of them, owned */
	struct pipe *free;
	unsigned n, n_free;
};

/* Makes n non-blocking pipes. 0, or -errno with those made so far in the pool. */
int pipe_pool_init(struct pipe_pool *p, unsigned n);
void pipe_pool_fini(struct pipe_pool *p);

/* An empty pipe, or NULL when all are in use. */
struct pipe *pipe_get(struct pipe_pool *p);

/* Puts *pipe back, emptying it first if `dirty`, and sets it to NULL; *pipe may be NULL. */
void pipe_put(struct pipe_pool *p, struct pipe **pipe, bool dirty);

#endif
