/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker's thread, ports, deadlines and queues. */
#include "serve/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <utlist.h>

#include "base/log.h"
#include "base/util.h"
#include "serve/listener.h"
#include "serve/setup.h"
#include "tls/aead.h"

enum { ACCEPT_BATCH = 64, RETRY_MS = 20, ACCEPT_PAUSE_MS = 100, POOL_KEEP = 256 };

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

static void expire(struct worker *w, uint64_t now)
{
	for (struct port *p = w->ports; p; p = p->next)
		for (int d = 0; d < DEADLINE_N; d++)
			while (p->due[d] && p->due[d]->due_ns <= now)
				conn_expire(p->due[d]);
}

/* ---- ports ---- */

static void port_free(struct worker *w, struct port *p)
{
	LL_DELETE(w->ports, p);
	listener_unref(p->listener);
	free(p);
}

static void port_retire(struct worker *w, struct port *p)
{
	int fd = loop_remove(&w->loop, &p->accept);

	fd_close(&fd);
	p->retired = true;
}

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
		if (p->retired && !p->n_conns)
			port_free(w, p);
	}
}

/* Another thread may have taken the one that was given up: then it comes back later. */
static void keep_reserve(struct worker *w)
{
	if (w->reserve_fd < 0)
		w->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void pause_accept(struct worker *w, bool pause)
{
	if (!pause)
		keep_reserve(w);
	w->accept_pause_ns = pause ? now_ns() + ACCEPT_PAUSE_MS * NS_PER_MS : 0;
	if (pause)
		count_add(&w->counters.value[COUNTER_ACCEPT_PAUSES], 1);
	for (struct port *p = w->ports; p; p = p->next)
		if (p->accept.fd >= 0)
			loop_modify(&w->loop, &p->accept, pause ? 0 : EPOLLIN);
}

/*
 * No descriptor is left: with the reserve a waiting client is refused at once instead of being
 * left to its timeout. False when even that fails.
 */
static bool refuse_with_reserve(struct port *p, int err)
{
	struct worker *w = p->worker;
	int fd;

	fd_close(&w->reserve_fd);
	fd = accept4(p->accept.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		setup_refuse(p, fd, NULL, REASON_NO_FDS, err);
	keep_reserve(w);
	return fd >= 0 && w->reserve_fd >= 0;
}

static void accept_ready(struct watch *watch, uint32_t events)
{
	struct port *p = container_of(watch, struct port, accept);
	struct worker *w = p->worker;

	(void)events;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		struct sockaddr_storage peer;
		socklen_t len = sizeof(peer);
		int fd = accept4(watch->fd, (struct sockaddr *)&peer, &len,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			count_add(&w->counters.value[COUNTER_ACCEPTED], 1);
			setup_accept(p, fd, &peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE) {
			if (refuse_with_reserve(p, errno))
				continue;
			pause_accept(w, true);
		} else if (errno == ENOMEM || errno == ENOBUFS) {
			pause_accept(w, true);
		} else if (errno == ECONNABORTED || errno == EINTR) {
			continue;
		}
		return;
	}
}

/* ---- the loop ---- */

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
	for (const struct port *p = w->ports; p; p = p->next)
		for (int d = 0; d < DEADLINE_N; d++)
			if (p->due[d])
				due = MIN_OF(due, p->due[d]->due_ns);
	return due;
}

static void after_batch(struct loop *l, uint64_t now)
{
	struct worker *w = container_of(l, struct worker, loop);

	run_queue(&w->resume);
	if (w->retry && w->retry_ns <= now)
		run_queue(&w->retry);
	if (w->accept_pause_ns && w->accept_pause_ns <= now)
		pause_accept(w, false);
	expire(w, now);
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
	keep_reserve(w);
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		loop_fini(&w->loop);
	return -err;
}

/* ---- messages: a task that the poster waits for ---- */

struct message {
	struct task task;
	struct worker *worker;
	void (*act)(struct worker *w, struct message *m);
	pthread_mutex_t lock;
	pthread_cond_t done_cond;
	bool done;
	/* for the acts */
	struct listener *const *listeners;
	const int *fds;
	unsigned n;
	struct conn_info *infos;
	size_t n_infos;
	uint64_t cookie;
};

static void message_run(struct task *t)
{
	struct message *m = container_of(t, struct message, task);

	m->act(m->worker, m);
	pthread_mutex_lock(&m->lock);
	m->done = true;
	pthread_cond_signal(&m->done_cond);
	pthread_mutex_unlock(&m->lock);
}

static void message_send(struct worker *w, struct message *m)
{
	m->task.run = message_run;
	m->worker = w;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->done_cond, NULL);
	loop_post(&w->loop, &m->task);
	pthread_mutex_lock(&m->lock);
	while (!m->done)
		pthread_cond_wait(&m->done_cond, &m->lock);
	pthread_mutex_unlock(&m->lock);
	pthread_mutex_destroy(&m->lock);
	pthread_cond_destroy(&m->done_cond);
}

static void add_port(struct worker *w, struct listener *l, int fd)
{
	struct port *p = calloc(1, sizeof(*p));
	int err = -ENOMEM;

	if (p) {
		p->worker = w;
		p->listener = listener_ref(l);
		p->accept.ready = accept_ready;
		err = loop_add(&w->loop, &p->accept, fd, EPOLLIN, true);
		LL_APPEND(w->ports, p);
	}
	if (err) {
		log_err("listener=%s errno=%s msg=\"worker %u cannot watch it\"", l->name,
			log_errno(err), w->index);
		close(fd);
	}
}

static void set_ports(struct worker *w, struct message *m)
{
	for (struct port *p = w->ports; p; p = p->next)
		port_retire(w, p);
	for (unsigned i = 0; i < m->n; i++)
		add_port(w, m->listeners[i], m->fds[i]);
}

void worker_set_ports(struct worker *w, struct listener *const *listeners, const int *fds,
		      unsigned n)
{
	struct message m = { .act = set_ports, .listeners = listeners, .fds = fds, .n = n };

	message_send(w, &m);
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

static void describe(struct worker *w, struct message *m)
{
	size_t n = count_get(&w->counters.value[COUNTER_OPEN]);

	m->infos = n ? calloc(n, sizeof(*m->infos)) : NULL;
	if (m->infos)
		for_each_conn(w, describe_one, m);
}

struct conn_info *worker_describe(struct worker *w, size_t *n)
{
	struct message m = { .act = describe };

	message_send(w, &m);
	*n = m.n_infos;
	return m.infos;
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

static void find(struct worker *w, struct message *m)
{
	for_each_conn(w, find_one, m);
}

bool worker_find(struct worker *w, uint64_t cookie, struct conn_info *info)
{
	struct message m = { .act = find, .cookie = cookie, .infos = info };

	message_send(w, &m);
	return m.n_infos;
}

static void nothing(struct worker *w, struct message *m)
{
	(void)w;
	(void)m;
}

void worker_sync(struct worker *w)
{
	struct message m = { .act = nothing };

	message_send(w, &m);
}

static bool end_one(struct conn *c, void *arg)
{
	(void)arg;
	conn_end(c, REASON_SHUTDOWN, 0);
	return true;
}

static void stop(struct worker *w, struct message *m)
{
	(void)m;
	for_each_conn(w, end_one, NULL);
	for (struct port *p = w->ports; p; p = p->next)
		port_retire(w, p);
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
	struct message m = { .act = stop };

	message_send(w, &m);
	pthread_join(w->thread, NULL);
	close_all(w);
	fd_close(&w->reserve_fd);
	loop_fini(&w->loop);
	pipe_pool_fini(&w->pipes);
	pool_fini(&w->pool);
}
