/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened to kernel-TLS sockets lately: the last events that the kernel programs told, for
 * whoever asks later. Bounded: the oldest are forgotten.
 */
#ifndef KTLSD_HOST_EVENTS_H
#define KTLSD_HOST_EVENTS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "bpf/event.h"
#include "bpf/feed.h"

enum { EVENTS_KEPT = 4096 };

struct events {
	struct loop *loop;
	struct ktls_event *kept; /* the n-th that came, counted from 0, at n % EVENTS_KEPT; owned */
	uint64_t n;		 /* that have come */
	struct feed feed;	 /* where they come from */
	struct watch watch;	 /* its descriptor, which the feed owns */
	bool is_open;
	uint64_t look_ns; /* not all of them wake us */
};

/* 0 or -ENOMEM. */
int events_init(struct events *e, struct loop *loop);
void events_fini(struct events *e);

/* From now on they come from this ring buffer, which is taken over. 0 or -errno. */
int events_open(struct events *e, int fd);
void events_close(struct events *e);

/* Takes what has come. */
void events_look(struct events *e);

/* The number of the oldest that is still there, e->n for none; and the event with that number. */
uint64_t events_first(const struct events *e);
const struct ktls_event *events_at(const struct events *e, uint64_t i);

void events_add(struct events *e, const struct ktls_event *event);

/* For the loop: the next deadline (UINT64_MAX: none), and its passing. */
uint64_t events_next_deadline(const struct events *e);
void events_expire(struct events *e, uint64_t now);

#endif
