/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsd's connections and the kernel's sockets joined by cookie, one at a time. */
#ifndef KTLSD_HOST_LISTING_H
#define KTLSD_HOST_LISTING_H

#include <stdbool.h>
#include <stdint.h>

struct conn_info;
struct json;
struct ktls_socket;
struct listing;
struct service;

enum listing_scope {
	LISTING_OWN,	    /* ktlsd's connections */
	LISTING_NAMESPACE,  /* and the sockets of others in its network namespace */
	LISTING_EVERYWHERE, /* and in others, as far as the last walk went there */
};

/* One of them: at least one of both. */
struct listing_row {
	const struct conn_info *ours;	/* NULL: somebody else's */
	const struct ktls_socket *seen; /* NULL: nothing of it is in the kernel */
};

/* As things are now and in the observer's last walk. NULL when memory is short. */
struct listing *listing_new(struct service *s, enum listing_scope scope);
void listing_free(struct listing *l); /* NULL is fine */

/* The next one, lent; false after the last. */
bool listing_next(struct listing *l, struct listing_row *row);
bool listing_is_done(const struct listing *l);

/* The same as a row of the API, the caller's; NULL after the last. */
struct json *listing_report_next(struct listing *l);

/* The row with that cookie, or NULL. */
struct json *listing_find(struct service *s, uint64_t cookie);

#endif
