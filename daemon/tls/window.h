/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A look at what lies at the head of a socket's receive queue, for a reader who takes it in little
 * pieces and must not get a byte more than it has asked for: the bytes stay in the queue until
 * those that were taken are told to leave it. So nothing is ever held that a later reader, which
 * may be the kernel, would miss.
 */
#ifndef KTLSD_TLS_WINDOW_H
#define KTLSD_TLS_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { WINDOW_LEN = 4096 };

struct window {
	size_t len, taken;
	uint8_t data[WINDOW_LEN];
};

/* Looks anew; nothing may be taken and not settled. Gives the bytes seen, 0 at the end, -errno. */
ssize_t window_look(struct window *w, int fd);

/* Takes up to len of the bytes seen; 0 when there are no more. */
size_t window_take(struct window *w, void *buf, size_t len);

/* Removes from the queue what was taken; what is left has to be looked at again. 0 or -errno. */
int window_settle(struct window *w, int fd);

#endif
