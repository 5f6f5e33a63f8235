/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the events of the ring buffer, through its pages alone: no libbpf, no bpf(2), no
 * privilege, only the descriptor that observe_open_events() made. One reader at a time: what it
 * has taken is gone for everybody, and what was not taken waits, also for the next process.
 *
 * Events that report an error make the descriptor readable at once (EPOLLIN), but a hundred times a
 * second at most, for anybody can make calls that fail. The others do not, so that a busy host is
 * not woken for each connection: look every half second too, as well as before an answer that shall
 * be fresh. A buffer that is a quarter full wakes in any case.
 */
#ifndef KTLSD_BPF_FEED_H
#define KTLSD_BPF_FEED_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

/* One event, lent for the call. Anything but 0 ends the reading, after this event. */
typedef int feed_fn(const struct ktls_event *event, void *arg);

struct feed {
	int fd;			  /* owned */
	uint64_t *consumer;	  /* mapped: how far it was read, written by us */
	const uint64_t *producer; /* mapped: how far it was written */
	const uint8_t *data;	  /* mapped twice in a row, so that no record wraps */
	uint64_t damaged;	  /* records that were none of ours, skipped */
};

/* Takes the descriptor over, also when it fails. 0 or -errno of mmap(2). */
int feed_open(struct feed *f, int fd);
void feed_close(struct feed *f);

/* Hands over what waits. 0, what `each` returned, or -EPROTO: the buffer makes no sense, all that
 * was in it is dropped. */
int feed_read(struct feed *f, feed_fn *each, void *arg);

/* Copies a record of any alignment. 0, or -EPROTO when it is not an event of this release. */
int feed_decode(const void *record, size_t len, struct ktls_event *event);

#endif
