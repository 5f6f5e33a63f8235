/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many connections each client address has open. Shared by the workers, at accept and close. */
#ifndef KTLSD_SERVE_ADDRESSES_H
#define KTLSD_SERVE_ADDRESSES_H

#include <sys/socket.h>

struct addresses;

/* One address and its connections; it exists while there are any. */
struct address;

/* An empty table, or NULL when memory is short. */
struct addresses *addresses_new(void);
void addresses_free(struct addresses *t); /* with what is still in it; NULL is fine */

/*
 * One connection more from that peer: an IPv4 address, or the /64 of an IPv6 address, which is what
 * one customer has. 0 with *out, which is the caller's until addresses_leave(); -EUSERS when `max`
 * are open; -ENOMEM.
 */
int addresses_enter(struct addresses *t, const struct sockaddr_storage *peer, unsigned max,
		    struct address **out);

/* One less. NULL is fine: a connection that was not counted. */
void addresses_leave(struct addresses *t, struct address *a);

#endif
