/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accepting, deadlines, draining. */
#include "serve/port.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <utlist.h>

#include "base/log.h"
#include "base/util.h"
#include "serve/backend.h"
#include "serve/conn.h"
#include "serve/listener.h"
#include "serve/setup.h"
#include "serve/worker.h"

enum {
	ACCEPT_BATCH = 64,
	ACCEPT_STREAK = 8, /* events in a row, after which one more connection is taken each */
	SWEEP_MS = 100,
	SWEEP_BATCH = 128, /* connections ended in a turn, so that others are served between */
};

/* ---- accepting ---- */

/*
 * No descriptor is left: with the reserve a waiting client is refused at once instead of being
 * left to its timeout. False when even that fails.
 */
static bool refuse_with_reserve(struct port *p, int err)
{
	struct worker *w = p->worker;
	int fd;

	worker_give_reserve(w);
	fd = accept4(p->accept.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		count_add(&w->counters.value[COUNTER_ACCEPTED], 1);
		atomic_fetch_add(&p->listener->totals->accepted, 1);
		setup_refuse(p, fd, NULL, REASON_NO_FDS, err);
	}
	return worker_keep_reserve(w) && fd >= 0;
}

/* Takes one connection. False when there is none now, or none can be had. */
static bool accept_one(struct port *p)
{
	struct worker *w = p->worker;
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int fd =
		accept4(p->accept.fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		count_add(&w->counters.value[COUNTER_ACCEPTED], 1);
		setup_accept(p, fd, &peer);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE) {
		if (refuse_with_reserve(p, errno))
			return true;
		worker_pause_accept(w);
	} else if (errno == ENOMEM || errno == ENOBUFS) {
		worker_pause_accept(w);
	} else if (errno == ECONNABORTED || errno == EINTR) {
		return true;
	}
	return false;
}

/*
 * A call that finds nobody costs as much as one that does, so normally each event, which is told
 * again if others wait, is good for one connection. Turns may be long, though: if the queue does
 * not become empty in many, each takes more.
 */
static void accept_ready(struct watch *watch, uint32_t events)
{
	struct port *p = container_of(watch, struct port, accept);
	bool in_a_row = p->accept_turn + 1 == p->worker->loop.turn;
	unsigned n;

	(void)events;
	p->accept_streak = in_a_row ? p->accept_streak + 1 : 0;
	p->accept_turn = p->worker->loop.turn;
	n = MIN_OF(1 + p->accept_streak / ACCEPT_STREAK, (unsigned)ACCEPT_BATCH);
	while (n--)
		if (!accept_one(p)) {
			p->accept_streak = 0;
			return;
		}
}

void port_pause(struct port *p, bool pause)
{
	if (p->accept.fd >= 0)
		loop_modify(&p->worker->loop, &p->accept, pause ? 0 : EPOLLIN);
}

/* ---- life ---- */

/* A former drain may have left the socket without listening. */
static int start_listening(struct port *p, int fd)
{
	if (listen(fd, LISTENER_BACKLOG))
		return -errno;
	return loop_add(&p->worker->loop, &p->accept, fd, EPOLLIN, true);
}

void port_open(struct worker *w, struct listener *l, int fd)
{
	struct port *p = calloc(1, sizeof(*p));
	int err = -ENOMEM;

	if (p) {
		p->worker = w;
		p->listener = listener_ref(l);
		p->accept = (struct watch){ .ready = accept_ready, .fd = -1 };
		p->stopped_fd = -1;
		err = start_listening(p, fd);
		LL_APPEND(w->ports, p);
	}
	if (!err)
		return;
	log_err("listener=%s errno=%s msg=\"worker %u cannot listen\"", l->name, log_errno(err),
		w->index);
	close(fd);
}

void port_retire(struct port *p)
{
	int fd = loop_remove(&p->worker->loop, &p->accept);

	fd_close(&fd);
	fd_close(&p->stopped_fd);
	p->retired = true;
}

void port_reap(struct port *p)
{
	if (!p->retired || p->n_conns)
		return;
	LL_DELETE(p->worker->ports, p);
	listener_unref(p->listener);
	free(p);
}

void port_note_age(struct port *p, struct conn *c)
{
	if (p->listener->total_ns)
		DL_APPEND2(p->oldest, c, older, younger);
}

void port_forget_age(struct port *p, struct conn *c)
{
	if (!c->older)
		return;
	DL_DELETE2(p->oldest, c, older, younger);
	c->older = NULL;
}

/* ---- draining ---- */

void port_drain(struct port *p, uint64_t cut_ns)
{
	p->cut_ns = cut_ns;
	p->sweep_ns = now_ns();
	if (p->accept.fd < 0)
		return;
	/* Whoever is in the queue believes to be connected. Who comes between this and the next
	 * line is reset: the kernel knows no way to close a queue's one end. */
	for (int i = 0; i < LISTENER_BACKLOG && accept_one(p); i++)
		;
	shutdown(p->accept.fd, SHUT_RD);
	p->stopped_fd = loop_remove(&p->worker->loop, &p->accept);
}

int port_resume(struct port *p)
{
	int err;

	if (p->retired)
		return 0;
	err = p->stopped_fd >= 0 ? start_listening(p, p->stopped_fd) : 0;
	if (err)
		return err;
	p->stopped_fd = -1;
	p->cut_ns = 0;
	return 0;
}

/* Ends up to n of those that wait for that deadline, and gives how many that were. */
static unsigned end_some(struct port *p, enum deadline d, bool all, unsigned n)
{
	struct conn *c, *next;
	unsigned done = 0;

	DL_FOREACH_SAFE(p->due[d], c, next)
	{
		if (done == n)
			break;
		if (c->end != REASON_NONE || !(all || conn_is_idle(c)))
			continue;
		if (all)
			atomic_fetch_add(&p->listener->totals->cut, 1);
		conn_end(c, REASON_DRAINED, 0);
		done++;
	}
	return done;
}

static void sweep(struct port *p, uint64_t now)
{
	bool all = now >= p->cut_ns;
	unsigned done = 0;

	for (int d = DEADLINE_NONE + 1; d < DEADLINE_DRAIN; d++)
		done += end_some(p, (enum deadline)d, all, SWEEP_BATCH - done);
	p->sweep_ns = done == SWEEP_BATCH ? now : now + SWEEP_MS * NS_PER_MS;
}

/* ---- deadlines ---- */

static uint64_t next_sweep(const struct port *p)
{
	return p->cut_ns && p->n_conns ? MIN_OF(p->sweep_ns, p->cut_ns) : UINT64_MAX;
}

uint64_t port_next_deadline(const struct port *p)
{
	uint64_t due = next_sweep(p);

	for (int d = 0; d < DEADLINE_N; d++)
		if (p->due[d])
			due = MIN_OF(due, p->due[d]->due_ns);
	if (p->oldest)
		due = MIN_OF(due, p->oldest->accepted_ns + p->listener->total_ns);
	return due;
}

void port_expire(struct port *p, uint64_t now)
{
	struct conn *c;

	for (int d = 0; d < DEADLINE_N; d++)
		while (p->due[d] && p->due[d]->due_ns <= now)
			conn_expire(p->due[d]);
	while ((c = p->oldest) && c->accepted_ns + p->listener->total_ns <= now) {
		port_forget_age(p, c); /* its last moments have a deadline of their own */
		conn_end(c, REASON_TOTAL_TIMEOUT, 0);
	}
	if (next_sweep(p) <= now)
		sweep(p, now);
}
