/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsd's connections and the kernel's sockets joined by cookie, one row at a time. */
#ifndef KTLSD_HOST_LISTING_H
#define KTLSD_HOST_LISTING_H

#include <stdbool.h>
#include <stdint.h>

struct json;
struct listing;
struct service;

/* As things are now and in the observer's last snapshot; `all`: with sockets of others. NULL when
 * memory is short. */
struct listing *listing_new(struct service *s, bool all);
void listing_free(struct listing *l); /* NULL is fine */

/* The next row, the caller's; NULL after the last. */
struct json *listing_next(struct listing *l);
bool listing_is_done(const struct listing *l);

/* The row with that cookie, or NULL. */
struct json *listing_find(struct service *s, uint64_t cookie);

#endif
