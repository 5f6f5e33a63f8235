/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What connections a worker has, for other threads: in full for who waits for it, or just whose
 * they are for who cannot.
 */
#ifndef KTLSD_SERVE_ROSTER_H
#define KTLSD_SERVE_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/state.h"
#include "serve/worker.h"

struct conn_info;

/*
 * A description of every connection, in an array that the caller frees; NULL with *n 0 for none
 * or when memory is short. Waits for the worker.
 */
struct conn_info *roster_describe(struct worker *w, size_t *n);

/*
 * The cookies of its last connections that have ended, at most WORKER_ENDED; gives how many. Asked
 * after roster_describe(), it names all that are missing there, unless more ended meanwhile. Waits
 * for the worker.
 */
size_t roster_ended(struct worker *w, uint64_t cookies[static WORKER_ENDED]);

/* The connection with that cookie: true with *info filled. Waits for the worker. */
bool roster_find(struct worker *w, uint64_t cookie, struct conn_info *info);

/* A connection of the worker's, or one that has ended lately: enough to tell its socket from those
 * of others. */
struct roster_tag {
	uint64_t cookie;
	enum conn_state state;
};

/* Asks a worker for all its tags without waiting for it. Embedded in whoever asks. */
struct roster_question {
	struct task task;
	struct worker *worker;
	struct loop *back; /* where answered() is called, later */
	void (*answered)(struct roster_question *q);
	void *arg;
	bool is_open;		 /* asked, and not answered */
	bool failed;		 /* memory was short */
	struct roster_tag *tags; /* the asker's to free */
	size_t n;
	uint64_t asked_ns, waited_ns; /* until the worker came to it */
};

/* The question is closed. What was answered before is forgotten. */
void roster_ask(struct roster_question *q);

#endif
