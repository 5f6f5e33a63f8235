/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker's thread, ports, deadlines and queues. */
#include "serve/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/util.h"
#include "serve/listener.h"
#include "serve/port.h"
#include "tls/aead.h"

enum { RETRY_MS = 20, ACCEPT_PAUSE_MS = 100, POOL_KEEP = 256 };

/* ---- deadlines and queues ---- */

void worker_set_deadline(struct worker *w, struct conn *c, enum deadline d)
{
	struct port *port = c->port;

	(void)w;
	if (c->deadline != DEADLINE_NONE)
		DL_DELETE(port->due[c->deadline], c);
	c->deadline = d;
	if (d == DEADLINE_NONE)
		return;
	c->due_ns = now_ns() + port->listener->timeout_ns[d];
	DL_APPEND(port->due[d], c);
}

static void push_queue(struct conn **queue, struct conn *c)
{
	if (c->is_queued)
		return;
	c->is_queued = true;
	LL_PREPEND2(*queue, c, queue_next);
}

void worker_queue(struct worker *w, struct conn *c)
{
	push_queue(&w->resume, c);
}

void worker_queue_retry(struct worker *w, struct conn *c)
{
	if (!w->retry)
		w->retry_ns = now_ns() + RETRY_MS * NS_PER_MS;
	push_queue(&w->retry, c);
}

static void unqueue(struct conn **queue, struct conn *c)
{
	for (; *queue; queue = &(*queue)->queue_next)
		if (*queue == c) {
			*queue = c->queue_next;
			return;
		}
}

void worker_forget(struct worker *w, struct conn *c)
{
	if (c->is_queued) { /* in one of them */
		unqueue(&w->resume, c);
		unqueue(&w->retry, c);
	}
	port_forget_age(c->port, c);
	w->ended[w->n_ended++ % WORKER_ENDED] = c->cookie;
	c->is_queued = true; /* for good: nobody may call it again */
	LL_PREPEND2(w->closed, c, queue_next);
}

static void run_queue(struct conn **queue)
{
	struct conn *c = *queue, *next;

	*queue = NULL;
	/* Resuming one connection touches no other, so none of the rest can leave the list. */
	for (; c; c = next) {
		next = c->queue_next;
		c->is_queued = false;
		conn_resume(c);
	}
}

/* ---- descriptors that have run out ---- */

/* Another thread may have taken the one that was given up: then it comes back later. */
bool worker_keep_reserve(struct worker *w)
{
	if (w->reserve_fd < 0)
		w->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return w->reserve_fd >= 0;
}

void worker_give_reserve(struct worker *w)
{
	fd_close(&w->reserve_fd);
}

void worker_pause_accept(struct worker *w)
{
	w->accept_pause_ns = now_ns() + ACCEPT_PAUSE_MS * NS_PER_MS;
	count_add(&w->counters.value[COUNTER_ACCEPT_PAUSES], 1);
	for (struct port *p = w->ports; p; p = p->next)
		port_pause(p, true);
}

static void resume_accept(struct worker *w)
{
	worker_keep_reserve(w);
	w->accept_pause_ns = 0;
	for (struct port *p = w->ports; p; p = p->next)
		port_pause(p, false);
}

/* ---- the loop ---- */

static void free_closed(struct worker *w)
{
	struct conn *c, *next;
	struct port *p, *next_port;

	for (c = w->closed; c; c = next) {
		next = c->queue_next;
		conn_free(c);
	}
	w->closed = NULL;
	for (p = w->ports; p; p = next_port) {
		next_port = p->next;
		port_reap(p);
	}
}

static uint64_t next_deadline(struct loop *l)
{
	const struct worker *w = container_of(l, struct worker, loop);
	uint64_t due = UINT64_MAX;

	if (w->resume)
		return 0;
	if (w->retry)
		due = w->retry_ns;
	if (w->accept_pause_ns)
		due = MIN_OF(due, w->accept_pause_ns);
	for (const struct port *p = w->ports; p; p = p->next) {
		uint64_t soonest = port_next_deadline(p);

		due = MIN_OF(due, soonest);
	}
	return due;
}

static void after_batch(struct loop *l, uint64_t now)
{
	struct worker *w = container_of(l, struct worker, loop);

	run_queue(&w->resume);
	if (w->retry && w->retry_ns <= now)
		run_queue(&w->retry);
	if (w->accept_pause_ns && w->accept_pause_ns <= now)
		resume_accept(w);
	for (struct port *p = w->ports; p; p = p->next)
		port_expire(p, now);
	free_closed(w);
}

static void *run(void *arg)
{
	struct worker *w = arg;

	loop_run(&w->loop);
	aead_thread_fini();
	return NULL;
}

int worker_start(struct worker *w, unsigned index, struct limits *limits, struct pipe_pool pipes)
{
	sigset_t all, before;
	int err;

	*w = (struct worker){ .index = index, .limits = limits, .pipes = pipes, .reserve_fd = -1 };
	pool_init(&w->pool, POOL_KEEP);
	err = loop_init(&w->loop);
	if (err)
		return err;
	w->loop.next_deadline = next_deadline;
	w->loop.after_batch = after_batch;
	worker_keep_reserve(w);
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		loop_fini(&w->loop);
	return -err;
}

/* ---- what other threads ask for ---- */

struct message {
	struct worker *worker;
	struct listener *const *listeners;
	const int *fds;
	unsigned n;
	const char *name;
	uint64_t cut_ns;
	int err;
};

static void set_ports(void *arg)
{
	const struct message *m = arg;
	struct worker *w = m->worker;

	for (struct port *p = w->ports; p; p = p->next) {
		port_retire(p);
		p->cut_ns = 0; /* a reload ends a drain */
	}
	for (unsigned i = 0; i < m->n; i++)
		port_open(w, m->listeners[i], m->fds[i]);
}

void worker_set_ports(struct worker *w, struct listener *const *listeners, const int *fds,
		      unsigned n)
{
	struct message m = { .worker = w, .listeners = listeners, .fds = fds, .n = n };

	loop_call(&w->loop, set_ports, &m);
}

void worker_for_each(struct worker *w, bool (*each)(struct conn *c, void *arg), void *arg)
{
	struct conn *c, *next;

	for (struct port *p = w->ports; p; p = p->next)
		for (int d = 0; d < DEADLINE_N; d++)
			DL_FOREACH_SAFE(p->due[d], c, next)
	if (!each(c, arg))
		return;
}

static bool is_meant(const struct port *p, const struct message *m)
{
	return !m->name || !strcmp(m->name, p->listener->name);
}

static void drain(void *arg)
{
	const struct message *m = arg;

	for (struct port *p = m->worker->ports; p; p = p->next)
		if (is_meant(p, m))
			port_drain(p, m->cut_ns);
}

void worker_drain(struct worker *w, const char *name, uint64_t cut_ns)
{
	struct message m = { .worker = w, .name = name, .cut_ns = cut_ns };

	loop_call(&w->loop, drain, &m);
}

static void resume(void *arg)
{
	struct message *m = arg;

	for (struct port *p = m->worker->ports; p; p = p->next) {
		int err = is_meant(p, m) ? port_resume(p) : 0;

		if (err)
			m->err = err;
	}
}

int worker_resume(struct worker *w, const char *name)
{
	struct message m = { .worker = w, .name = name };

	loop_call(&w->loop, resume, &m);
	return m.err;
}

static void nothing(void *arg)
{
	(void)arg;
}

void worker_sync(struct worker *w)
{
	loop_call(&w->loop, nothing, NULL);
}

static bool end_one(struct conn *c, void *arg)
{
	(void)arg;
	conn_end(c, REASON_SHUTDOWN, 0);
	return true;
}

static void stop(void *arg)
{
	struct worker *w = arg;

	worker_for_each(w, end_one, NULL);
	for (struct port *p = w->ports; p; p = p->next)
		port_retire(p);
	loop_stop(&w->loop);
}

/* After the thread has ended: alerts were sent, nobody waits for answers to them. */
static void close_all(struct worker *w)
{
	for (struct port *p = w->ports; p; p = p->next)
		for (int d = 0; d < DEADLINE_N; d++)
			while (p->due[d])
				conn_expire(p->due[d]);
	w->resume = w->retry = NULL;
	free_closed(w);
}

void worker_stop(struct worker *w)
{
	loop_call(&w->loop, stop, w);
	pthread_join(w->thread, NULL);
	close_all(w);
	fd_close(&w->reserve_fd);
	loop_fini(&w->loop);
	pipe_pool_fini(&w->pipes);
	pool_fini(&w->pool);
}
