/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel programs as the monitor cares for them: loaded beside everything else, as that takes
 * seconds on a slow machine and nobody shall wait for it. They stay when ktlsd ends.
 */
#ifndef KTLSD_HOST_PROGRAMS_H
#define KTLSD_HOST_PROGRAMS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "bpf/observe.h"
#include "host/jobs.h"

struct programs {
	struct loop *loop;
	char dir[PATH_MAX]; /* the bpffs */
	gid_t group;	    /* who may read */
	void (*changed)(struct programs *p);

	struct observe_status status; /* as of the last job that ended */
	bool tried;
	struct programs_job {
		struct job job;
		struct observe_status status;
		bool running;
	} work;
};

/* Begins to load them below the runtime directory; changed() tells when that has ended. */
void programs_start(struct programs *p, struct loop *loop, const char *runtime_directory,
		    gid_t group);

/* Why sockets of others are not seen: "" when they are, or when it is not known yet. */
const char *programs_why(const struct programs *p);

#endif
