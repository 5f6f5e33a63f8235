/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server process as the monitor has it: started, started again when it ends, told to stop,
 * killed when it does not. What is said to it is not known here.
 */
#ifndef KTLSD_HOST_CHILD_H
#define KTLSD_HOST_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"

struct child {
	/* Set by the owner before child_start(). */
	struct loop *loop;
	/* It has just been forked: says the first things over `channel`. 0 or -errno. */
	int (*greet)(struct child *c);
	void (*ended)(struct child *c); /* and is not to be stopped: it will be started again */
	void (*stopped)(struct child *c);
	unsigned stop_ms; /* what it gets to end by SIGTERM, and then by SIGKILL */

	/* Our end of the pair of sockets, level-triggered; the owner sets ready(). fd -1: none */
	struct watch channel;
	pid_t pid; /* 0: none */
	uint64_t started_ns;
	uint64_t restart_ns; /* when to start it again; 0: it runs */
	uint64_t kill_ns;    /* when to kill one that does not stop */
	unsigned backoff_ms; /* 0: it has never ended */
	bool stopping, killed;
};

/* Starts the process and greets it. 0 or -errno. */
int child_start(struct child *c);

/* Asks it to end, calls stopped() when it has, or is given up: now if there is none. */
void child_stop(struct child *c);

/* Closes our end of the channel: the process has closed its own. */
void child_hang_up(struct child *c);

/* After SIGCHLD. */
void child_reap(struct child *c);

/* For the loop: the next deadline (UINT64_MAX: none), and its passing. */
uint64_t child_next_deadline(const struct child *c);
void child_expire(struct child *c, uint64_t now);

#endif
