/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks in a job, keeps the last result. */
#include "host/observer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/log.h"
#include "base/util.h"
#include "bpf/snapshot.h"
#include "host/jobs.h"

enum { MAX_SOCKETS = 1 << 20 };

struct walk {
	struct job job;
	struct observer *observer;
	const char *pin;
	struct ktls_socket *sockets;
	size_t n, room;
	int err;
};

static int take(const struct ktls_socket *s, void *arg)
{
	struct walk *w = arg;

	if (w->n == w->room) {
		size_t room = w->room ? 2 * w->room : 64;
		struct ktls_socket *grown = realloc(w->sockets, room * sizeof(*grown));

		if (!grown || room > MAX_SOCKETS) {
			w->sockets = grown ? grown : w->sockets;
			return -ENOMEM;
		}
		w->sockets = grown;
		w->room = room;
	}
	w->sockets[w->n++] = *s;
	return 0;
}

static int by_cookie(const void *a, const void *b)
{
	const struct ktls_socket *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

static void walk_work(struct job *j)
{
	struct walk *w = container_of(j, struct walk, job);

	w->err = snapshot_read(w->pin, take, w);
	if (w->n)
		qsort(w->sockets, w->n, sizeof(*w->sockets), by_cookie);
}

static void wake(struct observer *o, struct observer_wait *w)
{
	DL_DELETE(o->waiting, w);
	w->ready(w);
}

static void walk_done(struct job *j)
{
	struct walk *w = container_of(j, struct walk, job);
	struct observer *o = w->observer;

	o->walking = false;
	o->last.err = w->err;
	if (!w->err) {
		free(o->last.sockets);
		o->last.sockets = w->sockets;
		o->last.n = w->n;
		o->last.taken_ns = now_ns();
	} else {
		free(w->sockets);
	}
	free(w);
	while (o->waiting)
		wake(o, o->waiting);
}

int observer_init(struct observer *o, struct loop *loop, const char *pin, const char *why)
{
	*o = (struct observer){ .loop = loop, .pin = strdup(pin), .why = why };
	return o->pin ? 0 : -ENOMEM;
}

void observer_fini(struct observer *o)
{
	free(o->pin);
	free(o->last.sockets);
}

static int walk_start(struct observer *o)
{
	struct walk *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->observer = o;
	w->pin = o->pin;
	w->job.work = walk_work;
	w->job.done = walk_done;
	err = job_start(&w->job, o->loop);
	if (err)
		free(w);
	else
		o->walking = true;
	return err;
}

void observer_refresh(struct observer *o, struct observer_wait *w)
{
	int err = o->walking ? 0 : walk_start(o);

	if (err)
		o->last.err = err;
	w->due_ns = now_ns() + (err ? 0 : OBSERVER_DEADLINE_MS * NS_PER_MS);
	DL_APPEND(o->waiting, w);
}

void observer_cancel(struct observer *o, struct observer_wait *w)
{
	DL_DELETE(o->waiting, w);
}

uint64_t observer_next_deadline(const struct observer *o)
{
	return o->waiting ? o->waiting->due_ns : UINT64_MAX;
}

void observer_expire(struct observer *o, uint64_t now)
{
	while (o->waiting && o->waiting->due_ns <= now)
		wake(o, o->waiting);
}

const struct ktls_socket *observer_find(const struct observer *o, uint64_t cookie)
{
	struct ktls_socket key = { .cookie = cookie };

	return o->last.n ? bsearch(&key, o->last.sockets, o->last.n, sizeof(key), by_cookie) : NULL;
}

bool observer_is_available(const struct observer *o, const char **reason, const char **detail)
{
	if (!o->last.err && o->last.taken_ns)
		return true;
	*detail = *o->why ? o->why : strerror(-o->last.err);
	switch (o->last.err) {
	case -ENOENT:
		*reason = "observer-not-loaded";
		break;
	case -EACCES:
		*reason = "observer-no-access";
		break;
	case -EPROTO:
		*reason = "observer-other-release";
		break;
	default:
		*reason = o->last.taken_ns || o->last.err ? "observer-failed" : "observer-not-read";
	}
	return false;
}
