/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One look through the kernel programs: totals, then sockets. Waits on socket locks, so it is for
 * a thread of its own.
 */
#ifndef KTLSD_BPF_WALK_H
#define KTLSD_BPF_WALK_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

struct walk {
	struct ktls_socket *sockets; /* sorted by cookie; owned */
	size_t n;
	/* As they were before the walk: a socket that closes meanwhile is in neither rather than
	 * counted twice. Owned. */
	struct ktls_total *totals;
	size_t n_totals;
	bool everywhere;   /* with the sockets of other network namespaces, and with holders */
	uint64_t taken_ns; /* 0: never */
	uint64_t took_ns;
	int err; /* -errno of the sockets of this network namespace */
};

/*
 * Looks through what is pinned in the directory; `everywhere` also at what all processes have
 * open, which takes longer. w->err tells of failure; what was read before is kept.
 */
void walk_run(struct walk *w, const char *dir, bool everywhere);
void walk_fini(struct walk *w);

/* The socket with that cookie, or NULL. */
const struct ktls_socket *walk_find(const struct walk *w, uint64_t cookie);

#endif
