/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's kernel-TLS sockets as the kernel programs last told them, and how these are. Reading
 * waits on socket locks, so it happens beside the main thread; an answer that is late is served
 * from the last walk, with its age.
 */
#ifndef KTLSD_HOST_OBSERVER_H
#define KTLSD_HOST_OBSERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "bpf/walk.h"
#include "host/programs_state.h"

enum { OBSERVER_DEADLINE_MS = 2000 };

/* Someone who waits for a fresh walk. Embedded in its owner. */
struct observer_wait {
	struct observer_wait *prev, *next;
	void (*ready)(struct observer_wait *w); /* the last walk is as fresh as it gets */
	bool everywhere;			/* see struct walk */
	uint64_t n_walks;			/* that had ended when it came */
	uint64_t due_ns;
};

struct observer {
	struct loop *loop;
	char *dir;			/* where the programs are pinned */
	struct programs_state programs; /* as the monitor last told */
	struct walk last;		/* that succeeded */
	int err;			/* of the last one, 0: fine */
	/* Records in all by direction and (1) device, see stats_records(). Never goes back. */
	uint64_t records[KTLS_N_DIRECTIONS][2];
	uint64_t n_walks, n_failed;    /* that have ended, and those of them that failed */
	struct observer_wait *waiting; /* in the order of due_ns */
	bool walking;
};

/* 0 or -ENOMEM. */
int observer_init(struct observer *o, struct loop *loop, const char *dir);
void observer_fini(struct observer *o);

/* What the monitor says of the programs. */
void observer_set_programs(struct observer *o, const struct programs_state *state);

/* Calls w->ready() once: after a walk begun now or under way, or at the deadline. */
void observer_refresh(struct observer *o, struct observer_wait *w);
void observer_cancel(struct observer *o, struct observer_wait *w);

/* For the loop: the next deadline of those who wait (UINT64_MAX: none), and its passing. */
uint64_t observer_next_deadline(const struct observer *o);
void observer_expire(struct observer *o, uint64_t now);

/* Whether the last walk told the truth; else why not, in words. */
bool observer_is_available(const struct observer *o, const char **reason, const char **detail);

#endif
