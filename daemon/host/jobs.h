/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slow work of the main thread, done beside it: each job a short-lived thread. */
#ifndef KTLSD_HOST_JOBS_H
#define KTLSD_HOST_JOBS_H

#include "base/loop.h"

struct job {
	struct task task;
	struct loop *loop;
	void (*work)(struct job *j); /* in a thread of its own */
	void (*done)(struct job *j); /* back in the loop's thread; may free the job */
};

/* Starts it. 0, or -EAGAIN when too many run already, or -errno: then nothing is called. */
int job_start(struct job *j, struct loop *loop);

#endif
