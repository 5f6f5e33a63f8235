/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pipe pool: a free list over an array. */
#include "serve/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"

int pipe_pool_init(struct pipe_pool *p, unsigned n)
{
	*p = (struct pipe_pool){ .pipes = calloc(n ? n : 1, sizeof(*p->pipes)) };
	if (!p->pipes)
		return -ENOMEM;
	for (; p->n < n; p->n++) {
		struct pipe *pipe = &p->pipes[p->n];
		int fds[2];

		if (pipe2(fds, O_NONBLOCK | O_CLOEXEC))
			return -errno;
		(void)fcntl(fds[0], F_SETPIPE_SZ, PIPE_CAPACITY);
		*pipe = (struct pipe){ .next = p->free, .read_fd = fds[0], .write_fd = fds[1] };
		p->free = pipe;
		p->n_free++;
	}
	return 0;
}

void pipe_pool_fini(struct pipe_pool *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		close(p->pipes[i].read_fd);
		close(p->pipes[i].write_fd);
	}
	free(p->pipes);
	*p = (struct pipe_pool){ 0 };
}

struct pipe *pipe_get(struct pipe_pool *p)
{
	struct pipe *pipe = p->free;

	if (!pipe)
		return NULL;
	p->free = pipe->next;
	p->n_free--;
	return pipe;
}

/* Reads away what is left: bounded by the pipe's capacity. */
static void empty(int fd)
{
	char sink[8192];

	while (read(fd, sink, sizeof(sink)) > 0)
		;
}

void pipe_put(struct pipe_pool *p, struct pipe **pipe, bool dirty)
{
	if (!*pipe)
		return;
	if (dirty)
		empty((*pipe)->read_fd);
	(*pipe)->next = p->free;
	p->free = *pipe;
	p->n_free++;
	*pipe = NULL;
}
