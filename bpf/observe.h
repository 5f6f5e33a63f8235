/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading the kernel programs and pinning them where readers without privilege find them.
 * Reading is the business of snapshot.h and feed.h.
 *
 * For a process with CAP_SYS_ADMIN and CAP_CHOWN; not for two threads at a time.
 * Nothing stays open or in memory: what was pinned lives, and counts, until it is replaced,
 * unloaded, or the machine restarts. So a ktlsd that starts takes over what an earlier one left.
 */
#ifndef KTLSD_BPF_OBSERVE_H
#define KTLSD_BPF_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Pins of the iterators inside the directory given to observe_load(), for snapshot.h. */
#define OBSERVE_ITER_TCP "iter_tcp"	    /* sockets of the reader's network namespace */
#define OBSERVE_ITER_TASKS "iter_task_file" /* sockets that processes have open, of all of them */
#define OBSERVE_ITER_TOTALS "iter_totals"

enum { OBSERVE_MAX_PROGRAMS = 40 };

enum observe_step {
	OBSERVE_STEP_LOAD,   /* the kernel takes the programs */
	OBSERVE_STEP_ATTACH, /* they become iterators */
	OBSERVE_STEP_BPFFS,  /* a bpffs is mounted with the right owner and mode */
	OBSERVE_STEP_PIN,    /* all is pinned in it */
	OBSERVE_STEP_DONE,
};

/* One program. Those that another kernel needs in its place are not told. */
struct observe_program {
	const char *name; /* lives as long as the process */
	bool attached;
	int error;	/* errno; 0: attached, or waiting for tls */
	char text[160]; /* why it is not attached, one line; "" when it is */
};

/* How far a call came, and what there is now. */
struct observe_status {
	enum observe_step step; /* the one that failed, or DONE */
	int error;		/* errno, 0 when done */
	char text[256];		/* one line for people: what failed and what is missing */

	bool adopted;	      /* observe_load() took over what an earlier ktlsd had pinned */
	bool waiting_for_tls; /* probes wait for the module, see observe_attach_probes() */
	bool payload;	      /* payload bytes are accounted */
	uint64_t since_ns;    /* CLOCK_BOOTTIME when the totals began */
	unsigned int pruned;  /* sockets forgotten by observe_attach_probes(), see there */
	int prune_error;      /* errno; 0: it could, or need not */
	unsigned int n_programs;
	struct observe_program programs[OBSERVE_MAX_PROGRAMS];
};

/* Gets libbpf's own words, the verifier's among them, line by line with a syslog(3) priority.
 * One for the whole process; NULL, as at the start, drops them. Not while a load is under way. */
typedef void observe_log_fn(int priority, const char *line);
void observe_set_log(observe_log_fn *log);

/*
 * Loads the maps and the iterators and pins them in DIR, which is made if its parent exists, gets
 * a bpffs of its own unless it is in one already, and becomes root:group 0750; the iterators are
 * root:group 0640, all else root's alone. What an earlier ktlsd has pinned is adopted when it is
 * of the very same build and root's; else it is replaced, probes and totals too, and *status says
 * so. Readers see the old or the new iterators, whole, never none.
 *
 * 0 or -errno, with *status saying at which step and why. A failure leaves older pins alone.
 * Calling it is not enough: observe_attach_probes() does the rest.
 */
int observe_load(const char *dir, gid_t group, struct observe_status *status);

/*
 * Loads, attaches and pins those probes that are not attached yet, each on its own verdict. Takes
 * half a second, and ten under emulation: beside the daemon's start, not before it. Without the
 * tls module there is nothing to attach to: 0, and status->waiting_for_tls; call it again when
 * observe_tls_is_loaded(). The module cannot be removed while probes are attached.
 * Where one was not attached until now, what is remembered of sockets that have closed unseen is
 * removed.
 *
 * 0, also where single programs failed: status->programs tells. -errno: nothing could be done,
 * -ENOENT: observe_load() has not pinned anything in DIR.
 */
int observe_attach_probes(const char *dir, struct observe_status *status);
bool observe_tls_is_loaded(void);

/*
 * Switches the accounting of payload bytes, which costs a little with each read and write of a
 * TLS socket. Sockets whose keys come in from now on have KTLS_SOCKET_PAYLOAD. 0 or -errno as
 * above; -EAGAIN: the tls module is not loaded.
 */
int observe_set_payload(const char *dir, bool on, struct observe_status *status);

/* What is pinned in DIR now; changes nothing. 0, or -ENOENT when nothing of this build is. */
int observe_look(const char *dir, struct observe_status *status);

/* A new descriptor of the ring buffer, for feed_open(), maybe in another process; or -errno. */
int observe_open_events(const char *dir);

/* Removes all pins, which ends the programs, and the bpffs mounted at DIR, which is left as an
 * empty directory. Readers in the middle of a walk finish it. 0, also when nothing was there, or
 * -errno. */
int observe_unload(const char *dir);

#endif
