/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's kernel-TLS sockets as the BPF iterator last told them. Reading waits on socket
 * locks, so it happens beside the main thread; an answer that is late is served from the last
 * walk, with its age.
 */
#ifndef KTLSD_HOST_OBSERVER_H
#define KTLSD_HOST_OBSERVER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "bpf/event.h"

enum { OBSERVER_DEADLINE_MS = 2000 };

struct observer_snapshot {
	struct ktls_socket *sockets; /* sorted by cookie */
	size_t n;
	uint64_t taken_ns; /* 0: never */
	int err;	   /* -errno of the last walk, 0: fine */
};

/* Someone who waits for a fresh snapshot. Embedded in its owner. */
struct observer_wait {
	struct observer_wait *prev, *next;
	void (*ready)(struct observer_wait *w); /* the snapshot is as fresh as it gets */
	uint64_t due_ns;
};

struct observer {
	struct loop *loop;
	char *pin;	 /* path of the pinned iterator */
	const char *why; /* what kept the monitor from loading it, "" if nothing */
	struct observer_snapshot last;
	struct observer_wait *waiting;
	bool walking;
};

/* `why` outlives it. 0 or -ENOMEM. */
int observer_init(struct observer *o, struct loop *loop, const char *pin, const char *why);
void observer_fini(struct observer *o);

/* Calls w->ready() once: after a walk begun now or under way, or at the deadline. */
void observer_refresh(struct observer *o, struct observer_wait *w);
void observer_cancel(struct observer *o, struct observer_wait *w);

/* For the loop: the next deadline of those who wait (UINT64_MAX: none), and its passing. */
uint64_t observer_next_deadline(const struct observer *o);
void observer_expire(struct observer *o, uint64_t now);

/* The socket with that cookie in the last snapshot, or NULL. */
const struct ktls_socket *observer_find(const struct observer *o, uint64_t cookie);

/* Whether the last walk told the truth; else why not, in words. */
bool observer_is_available(const struct observer *o, const char **reason, const char **detail);

#endif
