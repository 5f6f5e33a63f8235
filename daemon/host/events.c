/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the ring buffer when it wakes us and twice a second. */
#include "host/events.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "base/util.h"

enum { LOOK_MS = 500 };

int events_init(struct events *e, struct loop *loop)
{
	*e = (struct events){ .loop = loop, .watch.fd = -1 };
	e->kept = calloc(EVENTS_KEPT, sizeof(*e->kept));
	return e->kept ? 0 : -ENOMEM;
}

void events_fini(struct events *e)
{
	events_close(e);
	free(e->kept);
}

void events_close(struct events *e)
{
	if (!e->is_open)
		return;
	loop_remove(e->loop, &e->watch);
	feed_close(&e->feed);
	e->is_open = false;
}

void events_add(struct events *e, const struct ktls_event *event)
{
	e->kept[e->n++ % EVENTS_KEPT] = *event;
}

static int take(const struct ktls_event *event, void *arg)
{
	events_add(arg, event);
	return 0;
}

void events_look(struct events *e)
{
	if (e->is_open && feed_read(&e->feed, take, e))
		log_warning("msg=\"the ring buffer of events made no sense and was emptied\"");
}

static void ready(struct watch *w, uint32_t events)
{
	(void)events;
	events_look(container_of(w, struct events, watch));
}

int events_open(struct events *e, int fd)
{
	int err;

	events_close(e);
	err = feed_open(&e->feed, fd);
	if (err)
		return err;
	e->watch.ready = ready;
	err = loop_add(e->loop, &e->watch, e->feed.fd, EPOLLIN, true);
	if (err) {
		feed_close(&e->feed);
		return err;
	}
	e->is_open = true;
	events_look(e);
	e->look_ns = now_ns() + LOOK_MS * NS_PER_MS;
	return 0;
}

uint64_t events_first(const struct events *e)
{
	return e->n > EVENTS_KEPT ? e->n - EVENTS_KEPT : 0;
}

const struct ktls_event *events_at(const struct events *e, uint64_t i)
{
	return i >= events_first(e) && i < e->n ? &e->kept[i % EVENTS_KEPT] : NULL;
}

uint64_t events_next_deadline(const struct events *e)
{
	return e->is_open ? e->look_ns : UINT64_MAX;
}

void events_expire(struct events *e, uint64_t now)
{
	if (!e->is_open || e->look_ns > now)
		return;
	events_look(e);
	e->look_ns = now + LOOK_MS * NS_PER_MS;
}
