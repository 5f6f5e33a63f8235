/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets of a walk as they come in, found by the inode of their file. */
#ifndef KTLSD_BPF_ROWS_H
#define KTLSD_BPF_ROWS_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

/* All zeros is none. */
struct rows {
	struct ktls_socket *sockets; /* owned */
	size_t n, room;
	uint32_t *slots; /* 1 + a socket's place, at its inode's hash or behind; 0: free. Owned. */
	size_t n_slots;	 /* a power of two, and more than there are sockets */
};

/* Adds a socket, or only if none of its inode is there. 0 or -ENOMEM. */
int rows_add(struct rows *rows, const struct ktls_socket *s);
int rows_add_once(struct rows *rows, const struct ktls_socket *s);

/* Enters who has a socket open; the first who comes stays, and of a socket that is not there nobody is
 * told. */
void rows_hold(struct rows *rows, const struct ktls_holder *holder);

/* The sockets, which are the caller's from now on, sorted by cookie; NULL for none. What else there
 * was is gone. */
struct ktls_socket *rows_take(struct rows *rows, size_t *n);

#endif
