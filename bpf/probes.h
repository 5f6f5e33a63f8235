/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attaching those programs that see things happen, each on its own verdict: a kernel may lack what
 * one of them looks at, and the others shall see all the same.
 */
#ifndef KTLSD_BPF_PROBES_H
#define KTLSD_BPF_PROBES_H

#include <stdbool.h>

#include "bpf/observe.h"
#include "bpf/programs.h"

/* What became of each program in this call. */
struct probes_verdict {
	int error; /* errno */
	char text[sizeof(((struct observe_program *)0)->text)];
};

struct probes_verdicts {
	struct probes_verdict of[OBSERVE_MAX_PROGRAMS];
	unsigned int pruned; /* sockets that had closed unseen */
};

/* Whether it is attached, by its pin. */
bool probes_has(int dir_fd, const struct program *p);

/*
 * Attaches and pins those of the kind that are not attached yet, with the maps that are pinned in
 * DIR. 0, also where single ones failed: *verdicts tells; -errno with *status when nothing could be
 * done.
 */
int probes_attach(const char *dir, int dir_fd, enum program_kind kind,
		  struct probes_verdicts *verdicts, struct observe_status *status);

#endif
