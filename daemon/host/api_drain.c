/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The method Drain: the workers do it, here somebody waits for it. A client that goes away stops
 * nothing.
 */
#include "host/api_drain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <utlist.h>

#include "base/json.h"
#include "base/log.h"
#include "base/util.h"
#include "host/api_client.h"
#include "host/report.h"
#include "host/service.h"
#include "serve/listener.h"

enum { LOOK_MS = 50, REPORT_MS = 1000, TIMEOUT_DEFAULT_MS = 30000 };
enum { TIMEOUT_MAX_MS = 7 * 24 * 3600 * 1000 };

/* What one client waits for, summed over its listeners. */
struct progress {
	uint64_t left, cut;
	bool draining;
};

static bool is_meant(const struct client *c, const struct listener *l)
{
	return !*c->drain.listener || !strcmp(c->drain.listener, l->name);
}

static struct progress look(const struct client *c)
{
	const struct runtime *rt = &c->api->service->runtime;
	struct progress p = { .cut = 0 };

	for (unsigned i = 0; i < rt->n_listeners; i++) {
		struct listener *l = rt->listeners[i];

		if (!is_meant(c, l))
			continue;
		p.left += count_get(&l->totals->open);
		p.cut += count_get(&l->totals->cut);
		p.draining |= atomic_load(&l->draining);
	}
	return p;
}

static struct json *report(const struct client *c, const struct progress *p)
{
	const struct runtime *rt = &c->api->service->runtime;
	struct json *o = json_new(), *listeners = json_new_array();

	for (unsigned i = 0; i < rt->n_listeners; i++)
		if (is_meant(c, rt->listeners[i]))
			json_append(listeners, report_listener(rt->listeners[i]));
	json_set(o, "listeners", listeners);
	json_set_int(o, "left", (int64_t)p->left);
	json_set_int(o, "cut", (int64_t)(p->cut - c->drain.cut_before));
	return o;
}

/* Answers if it is over, or if the client wants to know how it goes. 0, or -errno: then close. */
static int report_if_due(struct client *c, uint64_t now)
{
	struct progress p = look(c);

	if (!p.left || !p.draining) {
		c->drain.waits = false;
		return varlink_reply(c->varlink, report(c, &p));
	}
	if (!c->drain.more || now < c->drain.report_ns || !varlink_can_queue(c->varlink))
		return 0;
	c->drain.report_ns = now + REPORT_MS * NS_PER_MS;
	return varlink_reply_more(c->varlink, report(c, &p));
}

static int undo(struct client *c)
{
	const char *name = *c->drain.listener ? c->drain.listener : NULL;
	struct json *o;
	struct progress p;
	int err = service_resume(c->api->service, name);

	if (err) {
		o = json_new();
		json_set_string(o, "errno", log_errno(err));
		return varlink_error(c->varlink, "CannotListen", o);
	}
	p = look(c);
	c->drain.cut_before = p.cut;
	return varlink_reply(c->varlink, report(c, &p));
}

/* Reads the parameters: 0, 1 when an error reply was sent, or -errno. */
static int take_parameters(struct client *c, struct varlink_call *call, int64_t *timeout_ms,
			   bool *undoes)
{
	const char *name = "", *bad = NULL;
	int err;

	*timeout_ms = TIMEOUT_DEFAULT_MS;
	*undoes = false;
	if (json_get_string(call->parameters, "listener", &name) == -EINVAL)
		bad = "listener";
	else if (json_get_int(call->parameters, "timeout_ms", timeout_ms) == -EINVAL ||
		 *timeout_ms < 0 || *timeout_ms > TIMEOUT_MAX_MS)
		bad = "timeout_ms";
	else if (json_get_bool(call->parameters, "undo", undoes) == -EINVAL)
		bad = "undo";
	if (bad) {
		err = varlink_error_invalid_parameter(c->varlink, bad);
		return err ? err : 1;
	}
	if (*name && !service_has_listener(c->api->service, name)) {
		struct json *o = json_new();

		json_set_string(o, "listener", name);
		err = varlink_error(c->varlink, "NoSuchListener", o);
		return err ? err : 1;
	}
	snprintf(c->drain.listener, sizeof(c->drain.listener), "%s", name);
	return 0;
}

int api_drain(struct client *c, struct varlink_call *call)
{
	int64_t timeout_ms;
	bool undoes;
	int err = take_parameters(c, call, &timeout_ms, &undoes);

	if (err)
		return err > 0 ? 0 : err;
	if (undoes)
		return undo(c);
	c->drain.cut_before = look(c).cut;
	service_drain(c->api->service, *c->drain.listener ? c->drain.listener : NULL,
		      (uint64_t)timeout_ms);
	c->drain.waits = true;
	c->drain.more = call->more;
	c->drain.report_ns = 0;
	return report_if_due(c, now_ns());
}

uint64_t api_drain_next(const struct api *api)
{
	const struct client *c;

	DL_FOREACH(api->clients, c)
	if (c->drain.waits)
		return api->drain_look_ns;
	return UINT64_MAX;
}

void api_drain_tick(struct api *api, uint64_t now)
{
	struct client *c, *next;

	if (now < api->drain_look_ns)
		return;
	api->drain_look_ns = now + LOOK_MS * NS_PER_MS;
	DL_FOREACH_SAFE(api->clients, c, next)
	{
		if (!c->drain.waits)
			continue;
		if (report_if_due(c, now))
			client_close(c);
		else
			client_serve(c);
	}
}
