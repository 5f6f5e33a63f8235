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
	struct conn_info *infos;
	size_t n_infos;
	uint64_t cookie, *cookies;
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

/* Calls each() for every connection until it gives false. */
static void for_each_conn(struct worker *w, bool (*each)(struct conn *c, void *arg), void *arg)
{
	struct conn *c, *next;

	for (struct port *p = w->ports; p; p = p->next)
		for (int d = 0; d < DEADLINE_N; d++)
			DL_FOREACH_SAFE(p->due[d], c, next)
	if (!each(c, arg))
		return;
}

static bool describe_one(struct conn *c, void *arg)
{
	struct message *m = arg;

	conn_describe(c, &m->infos[m->n_infos++]);
	return true;
}

static void describe(void *arg)
{
	struct message *m = arg;
	struct worker *w = m->worker;
	size_t n = count_get(&w->counters.value[COUNTER_OPEN]);

	m->infos = n ? calloc(n, sizeof(*m->infos)) : NULL;
	if (m->infos)
		for_each_conn(w, describe_one, m);
}

struct conn_info *worker_describe(struct worker *w, size_t *n)
{
	struct message m = { .worker = w };

	loop_call(&w->loop, describe, &m);
	*n = m.n_infos;
	return m.infos;
}

static void copy_ended(void *arg)
{
	struct message *m = arg;

	m->n_infos = MIN_OF(m->worker->n_ended, (uint64_t)WORKER_ENDED);
	memcpy(m->cookies, m->worker->ended, m->n_infos * sizeof(*m->cookies));
}

size_t worker_ended(struct worker *w, uint64_t cookies[static WORKER_ENDED])
{
	struct message m = { .worker = w, .cookies = cookies };

	loop_call(&w->loop, copy_ended, &m);
	return m.n_infos;
}

static bool tag_one(struct conn *c, void *arg)
{
	struct worker_question *q = arg;

	q->tags[q->n++] = (struct worker_tag){ .cookie = c->cookie, .state = c->state };
	return true;
}

static void close_question(struct task *t)
{
	struct worker_question *q = container_of(t, struct worker_question, task);

	q->is_open = false;
	q->answered(q);
}

static void answer_question(struct task *t)
{
	struct worker_question *q = container_of(t, struct worker_question, task);
	const struct worker *w = q->worker;
	size_t n = count_get(&w->counters.value[COUNTER_OPEN]);
	size_t n_ended = (size_t)MIN_OF(w->n_ended, (uint64_t)WORKER_ENDED);

	q->waited_ns = now_ns() - q->asked_ns;
	q->tags = malloc((n + n_ended + 1) * sizeof(*q->tags));
	q->failed = !q->tags;
	if (q->tags) {
		for_each_conn(q->worker, tag_one, q);
		for (size_t i = 0; i < n_ended; i++)
			q->tags[q->n++] =
				(struct worker_tag){ .cookie = w->ended[i], .state = CONN_CLOSED };
	}
	q->task.run = close_question;
	loop_post(q->back, &q->task);
}

void worker_ask(struct worker_question *q)
{
	free(q->tags);
	q->tags = NULL;
	q->n = 0;
	q->is_open = true;
	q->asked_ns = now_ns();
	q->task.run = answer_question;
	loop_post(&q->worker->loop, &q->task);
}

static bool find_one(struct conn *c, void *arg)
{
	struct message *m = arg;

	if (c->cookie != m->cookie)
		return true;
	conn_describe(c, m->infos);
	m->n_infos = 1;
	return false;
}

static void find(void *arg)
{
	struct message *m = arg;

	for_each_conn(m->worker, find_one, m);
}

bool worker_find(struct worker *w, uint64_t cookie, struct conn_info *info)
{
	struct message m = { .worker = w, .cookie = cookie, .infos = info };

	loop_call(&w->loop, find, &m);
	return m.n_infos;
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

	for_each_conn(w, end_one, NULL);
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
