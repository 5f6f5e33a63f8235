/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading the kernel programs and pinning them where readers without privilege find them; the
 * one module that uses libbpf. Reading is snapshot.h's business.
 *
 * For a process with CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN. Nothing stays open or in memory:
 * what was pinned lives until it is replaced, unloaded, or the machine restarts.
 */
#ifndef KTLSD_BPF_OBSERVE_H
#define KTLSD_BPF_OBSERVE_H

#include <sys/types.h>

/* The pin of the TCP iterator inside the directory given to observe_load(). */
#define OBSERVE_ITER_TCP "iter_tcp"

enum observe_step {
	OBSERVE_STEP_LOAD,   /* the kernel takes the program */
	OBSERVE_STEP_ATTACH, /* it becomes an iterator */
	OBSERVE_STEP_BPFFS,  /* a bpffs is mounted with the right owner and mode */
	OBSERVE_STEP_PIN,    /* the iterator is pinned in it */
	OBSERVE_STEP_DONE,
};

/* How far observe_load() came. */
struct observe_status {
	enum observe_step step; /* the one that failed, or DONE */
	int error;		/* errno, 0 when done */
	char text[256];		/* one line for people: what failed and what is missing */
};

/* Gets libbpf's own words, the verifier's among them, line by line with a syslog(3) priority.
 * One for the whole process; NULL, as at the start, drops them. Not while a load is under way. */
typedef void observe_log_fn(int priority, const char *line);
void observe_set_log(observe_log_fn *log);

/*
 * Loads the programs and pins the iterator as DIR/iter_tcp, root:group 0640, in place of an
 * older one: what another release has pinned is never reused. Readers see the old or the new
 * one, whole, never none. DIR is made if its parent exists, gets a bpffs of its own unless it is
 * in one already, and becomes root:group 0750.
 *
 * 0 or -errno, with *status saying at which step and why. A failure leaves an older pin alone.
 */
int observe_load(const char *dir, gid_t group, struct observe_status *status);

/* Removes the pin and the bpffs mounted at DIR, which is left as an empty directory. Readers in
 * the middle of a walk finish it. 0, also when nothing was there, or -errno. */
int observe_unload(const char *dir);

#endif
