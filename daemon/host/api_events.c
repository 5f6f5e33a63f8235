/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams what is kept of events, then what comes. */
#include "host/api_events.h"

#include <errno.h>

#include <utlist.h>

#include "base/json.h"
#include "base/util.h"
#include "host/api_client.h"
#include "host/report.h"
#include "host/service.h"
#include "host/stats.h"

static struct events *events_of(const struct client *c)
{
	return &c->api->service->events;
}

bool api_events_due(const struct client *c)
{
	return c->events.streams && (!c->events.follows || c->events.next < events_of(c)->n);
}

/* Those that were forgotten before they could be told are left out. */
static const struct ktls_event *next_event(struct client *c)
{
	const struct events *e = events_of(c);
	uint64_t first = events_first(e);

	if (c->events.next < first)
		c->events.next = first;
	if (!c->events.follows && c->events.next >= c->events.end)
		return NULL;
	return events_at(e, c->events.next);
}

static int reply_last(struct client *c)
{
	const struct walk *w = &c->api->service->observer.last;
	struct json *o = json_new();

	if (w->n_totals)
		json_set_int(o, "lost",
			     (int64_t)stats_count_observer(w, KTLS_OBSERVER_EVENTS_LOST));
	c->events.streams = false;
	return varlink_reply(c->varlink, o);
}

int api_events_stream(struct client *c)
{
	const struct ktls_event *event;

	while (varlink_can_queue(c->varlink) && (event = next_event(c))) {
		struct json *reply = json_new();
		int err;

		json_set(reply, "event", report_event(event));
		c->events.next++;
		err = varlink_reply_more(c->varlink, reply);
		if (err)
			return err;
	}
	return c->events.follows || next_event(c) ? 0 : reply_last(c);
}

static int begin(struct client *c)
{
	struct events *e = events_of(c);

	events_look(e);
	c->events.streams = true;
	c->events.next = events_first(e);
	c->events.end = c->events.looked = e->n;
	return api_events_stream(c);
}

int api_get_events(struct client *c, struct varlink_call *call)
{
	if (!call->more)
		return varlink_error_expected_more(c->varlink);
	c->events.follows = false;
	if (json_get_bool(call->parameters, "follow", &c->events.follows) == -EINVAL)
		return varlink_error_invalid_parameter(c->varlink, "follow");
	return client_wait_for_observer(c, false, begin);
}

/* Why a device refused can be said only with a look at the socket, which is newer than the last. */
static bool wants_look(struct client *c)
{
	const struct events *e = events_of(c);
	uint64_t i = c->events.looked;

	c->events.looked = e->n;
	for (; i < e->n; i++) {
		const struct ktls_event *event = events_at(e, i);

		if (event && event->event == KTLS_EVENT_DEVICE && event->error)
			return true;
	}
	return false;
}

void api_events_tick(struct api *api)
{
	struct client *c, *next;

	DL_FOREACH_SAFE(api->clients, c, next)
	{
		if (!c->events.follows || c->waits_for_observer || !api_events_due(c))
			continue;
		if (wants_look(c))
			client_wait_for_observer(c, false, api_events_stream);
		else
			client_serve(c);
	}
}
