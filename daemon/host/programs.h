/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel programs as the monitor cares for them: loaded beside everything else, as that takes
 * seconds on a slow machine and nobody shall wait for it; probes attached when the tls module
 * comes. They stay, and count, when ktlsd ends.
 */
#ifndef KTLSD_HOST_PROGRAMS_H
#define KTLSD_HOST_PROGRAMS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/observe.h"
#include "host/jobs.h"
#include "host/programs_state.h"

/* What an operator can ask for. */
enum programs_wish {
	PROGRAMS_WISH_NONE,
	PROGRAMS_WISH_PAYLOAD,
	PROGRAMS_WISH_NO_PAYLOAD,
	PROGRAMS_WISH_UNLOAD,
	PROGRAMS_N_WISHES,
};

struct programs {
	/* Set by the owner before programs_start(). */
	struct loop *loop;
	void (*changed)(struct programs *p);
	void (*granted)(struct programs *p, const char *error); /* the wish: "" or why not */

	char dir[PATH_MAX]; /* the bpffs */
	gid_t group;	    /* who may read */
	enum programs_stage stage;
	struct observe_status status; /* of the last job that ended */
	bool adopted;
	enum programs_wish wish; /* asked for, not granted */
	uint64_t look_ns;	 /* when to look for the tls module; 0: never */
	struct programs_job {
		struct job job;
		enum { LOAD, ATTACH, PAYLOAD_ON, PAYLOAD_OFF, UNLOAD } what;
		int err;
		struct observe_status status;
		bool running;
	} work;
};

/* Begins to load them below the runtime directory; changed() tells how that goes. */
void programs_start(struct programs *p, const char *runtime_directory, gid_t group);

/* One at a time: granted() is called, -EBUSY else. */
int programs_ask(struct programs *p, enum programs_wish wish);

void programs_describe(const struct programs *p, struct programs_state *s);

/* The events' ring buffer, the caller's; -errno while there is none. */
int programs_open_events(const struct programs *p);

/* For the loop: the next deadline (UINT64_MAX: none), and its passing. */
uint64_t programs_next_deadline(const struct programs *p);
void programs_expire(struct programs *p, uint64_t now);

#endif
