/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a listener does with its connections once their keys are in place. A connection knows its
 * backend only by these operations; they run in the worker's thread and never wait.
 */
#ifndef KTLSD_SERVE_BACKEND_H
#define KTLSD_SERVE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/reason.h"

struct conn;

struct backend_ops {
	size_t state_len; /* bytes at conn->backend_state, zeroed at first */
	bool splices_rx;  /* moves what it receives without a copy, if the kernel decrypts it */

	/* In CONNECT: goes on to OPEN, at once or later. Called again after a retry. */
	void (*connect)(struct conn *c);

	/* In OPEN, when the client's socket is ready or conn_resume() is due: does what can be done. */
	void (*run)(struct conn *c);

	/*
	 * In DRAIN: delivers what was taken already and takes nothing new. True when nothing is
	 * left, or nothing can be.
	 */
	bool (*deliver)(struct conn *c);

	/* Drops what is in flight and gives back pipes and buffers. */
	void (*drop)(struct conn *c);

	/* Closes what it has opened; the connection is about to be freed. drop() came before. */
	void (*close)(struct conn *c);

	/* In OPEN, at a passed deadline: the reason to end for. */
	enum reason (*overdue)(const struct conn *c);

	/*
	 * In OPEN, with DEADLINE_IDLE: true if it may end without cutting anything off, when its
	 * listener is drained. NULL: whenever it has that deadline.
	 */
	bool (*is_idle)(const struct conn *c);
};

#endif
