/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: one thread, one loop, its own sockets and connections. Other threads reach it by
 * posted tasks only.
 */
#ifndef KTLSD_SERVE_WORKER_H
#define KTLSD_SERVE_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/counters.h"
#include "base/loop.h"
#include "base/pool.h"
#include "base/state.h"
#include "serve/conn.h"
#include "serve/pipe.h"
#include "serve/port.h"

struct limits;

/* As many as it remembers of the connections that have ended. */
enum { WORKER_ENDED = 4096 };

struct worker {
	pthread_t thread;
	unsigned index;
	struct loop loop;
	struct limits *limits; /* shared by all workers */
	struct pool pool;
	struct pipe_pool pipes;
	struct counters counters;
	struct port *ports;
	struct conn *closed; /* to be freed after the batch */
	struct conn *resume; /* to be called again after the batch */
	struct conn *retry;  /* backend's queue was full: connect again at retry_ns */
	uint64_t retry_ns;
	uint64_t accept_pause_ns; /* no descriptor left: accept again then; 0: not paused */
	int reserve_fd;		  /* given up for a moment to refuse when descriptors run out */
	bool draining;
	uint64_t n_ended;
	uint64_t ended[WORKER_ENDED]; /* cookies of the last ones, the n-th at n % WORKER_ENDED */
};

/*
 * Prepares the worker and starts its thread. It takes over the pipes. 0 or -errno with everything
 * undone but the pipes.
 */
int worker_start(struct worker *w, unsigned index, struct limits *limits, struct pipe_pool pipes);

/*
 * Swaps the ports: n listeners (references are taken) and as many listening sockets (taken over).
 * Connections of the old ports go on. Waits until the worker has done it.
 */
void worker_set_ports(struct worker *w, struct listener *const *listeners, const int *fds,
		      unsigned n);

/*
 * The ports of the listener with that name, or all for NULL, stop listening; their idle connections
 * end now, those that are left at cut_ns. See port_drain(). Waits for the worker.
 */
void worker_drain(struct worker *w, const char *name, uint64_t cut_ns);

/* Undoes it. 0, or the -errno of a port that cannot listen again. Waits for the worker. */
int worker_resume(struct worker *w, const char *name);

/* Waits until the worker has passed between two batches: it holds no pointer read before. */
void worker_sync(struct worker *w);

/* Ends its connections with REASON_SHUTDOWN, stops the thread, frees everything. */
void worker_stop(struct worker *w);

/* ---- for roster.c ---- */

/* Calls each() for every connection until it gives false. In the worker's thread. */
void worker_for_each(struct worker *w, bool (*each)(struct conn *c, void *arg), void *arg);

/* ---- for port.c ---- */

/* Gives up the spare descriptor for a moment, and gets it back: false when that fails now. */
void worker_give_reserve(struct worker *w);
bool worker_keep_reserve(struct worker *w);

/* Takes no connection for some milliseconds. */
void worker_pause_accept(struct worker *w);

/* ---- for conn.c ---- */

/* Puts it on the list of its deadline, as the last. */
void worker_set_deadline(struct worker *w, struct conn *c, enum deadline d);

/* Calls conn_resume() after this batch. */
void worker_queue(struct worker *w, struct conn *c);

/* Calls conn_resume() in some milliseconds. */
void worker_queue_retry(struct worker *w, struct conn *c);

/* Frees it after this batch. */
void worker_forget(struct worker *w, struct conn *c);

#endif
