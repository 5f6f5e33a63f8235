/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop on epoll. */
#include "base/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/util.h"

enum { BATCH = 64 };

static void run_tasks(struct watch *w, uint32_t events)
{
	struct loop *l = container_of(w, struct loop, wake);
	struct task *posted, *next, *in_order = NULL;
	uint64_t n;

	(void)events;
	if (read(w->fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		abort(); /* an eventfd of ours cannot fail otherwise */
	pthread_mutex_lock(&l->lock);
	posted = l->tasks;
	l->tasks = NULL;
	pthread_mutex_unlock(&l->lock);
	for (; posted; posted = next) {
		next = posted->next;
		posted->next = in_order;
		in_order = posted;
	}
	for (; in_order; in_order = next) {
		next = in_order->next;
		in_order->run(in_order);
	}
}

int loop_init(struct loop *l)
{
	int fd;

	*l = (struct loop){ .epoll_fd = -1, .wake = { .ready = run_tasks, .fd = -1 } };
	pthread_mutex_init(&l->lock, NULL);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0)
		return -errno;
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	return loop_add(l, &l->wake, fd, EPOLLIN, true);
}

void loop_fini(struct loop *l)
{
	int fd = loop_remove(l, &l->wake);

	fd_close(&fd);
	fd_close(&l->epoll_fd);
	pthread_mutex_destroy(&l->lock);
}

int loop_add(struct loop *l, struct watch *w, int fd, uint32_t events, bool level)
{
	struct epoll_event ev = { .events = events | (level ? 0 : (uint32_t)EPOLLET),
				  .data.ptr = w };

	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev))
		return -errno;
	w->fd = fd;
	w->may_hide = false;
	return 0;
}

int loop_modify(struct loop *l, struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, w->fd, &ev) ? -errno : 0;
}

int loop_remove(struct loop *l, struct watch *w)
{
	int fd = w->fd;

	if (fd >= 0)
		epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	w->fd = -1;
	return fd;
}

int loop_forget(struct watch *w)
{
	int fd = w->fd;

	w->fd = -1;
	return fd;
}

void loop_post(struct loop *l, struct task *t)
{
	uint64_t one = 1;

	pthread_mutex_lock(&l->lock);
	t->next = l->tasks;
	l->tasks = t;
	pthread_mutex_unlock(&l->lock);
	if (write(l->wake.fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

struct call {
	struct task task;
	void (*act)(void *arg);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t done_cond;
	bool done;
};

static void run_call(struct task *t)
{
	struct call *c = container_of(t, struct call, task);

	c->act(c->arg);
	pthread_mutex_lock(&c->lock);
	c->done = true;
	pthread_cond_signal(&c->done_cond);
	pthread_mutex_unlock(&c->lock);
}

void loop_call(struct loop *l, void (*act)(void *arg), void *arg)
{
	struct call c = { .task.run = run_call, .act = act, .arg = arg };

	pthread_mutex_init(&c.lock, NULL);
	pthread_cond_init(&c.done_cond, NULL);
	loop_post(l, &c.task);
	pthread_mutex_lock(&c.lock);
	while (!c.done)
		pthread_cond_wait(&c.done_cond, &c.lock);
	pthread_mutex_unlock(&c.lock);
	pthread_mutex_destroy(&c.lock);
	pthread_cond_destroy(&c.done_cond);
}

/* Milliseconds until the deadline, rounded up so that it has passed when we wake. */
static int wait_ms(uint64_t deadline)
{
	uint64_t now = now_ns(), ms;

	if (deadline == UINT64_MAX)
		return -1;
	if (deadline <= now)
		return 0;
	ms = (deadline - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms > 60000 ? 60000 : (int)ms;
}

void loop_run(struct loop *l)
{
	struct epoll_event events[BATCH];

	while (!l->stopping) {
		int n = epoll_wait(l->epoll_fd, events, BATCH,
				   wait_ms(l->next_deadline ? l->next_deadline(l) : UINT64_MAX));

		if (n < 0 && errno != EINTR)
			abort(); /* only a closed epoll descriptor fails: a bug of ours */
		l->turn++;
		for (int i = 0; i < n; i++) {
			struct watch *w = events[i].data.ptr;

			if (w->fd < 0) /* removed by an earlier event of this batch */
				continue;
			w->may_hide |= events[i].events &
				       (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI);
			w->ready(w, events[i].events);
		}
		if (l->after_batch)
			l->after_batch(l, now_ns());
	}
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
}
