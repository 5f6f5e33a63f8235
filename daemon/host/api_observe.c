/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GetStats and Observe. */
#include "host/api_observe.h"

#include <errno.h>

#include <utlist.h>

#include "base/json.h"
#include "base/util.h"
#include "host/api.h"
#include "host/api_client.h"
#include "host/programs.h"
#include "host/report.h"
#include "host/service.h"
#include "host/status_report.h"

static int answer_stats(struct client *c)
{
	return varlink_reply(c->varlink, status_report_stats(c->api->service));
}

int api_get_stats(struct client *c, struct varlink_call *call)
{
	(void)call;
	return client_wait_for_observer(c, true, answer_stats);
}

static int answer_observe(struct client *c)
{
	struct json *o = json_new();

	json_set(o, "observer", report_observer(&c->api->service->observer));
	return varlink_reply(c->varlink, o);
}

static bool somebody_waits(const struct api *api)
{
	const struct client *c;

	DL_FOREACH(api->clients, c)
	if (c->waits_for_programs)
		return true;
	return false;
}

static int ask(struct client *c, enum programs_wish wish)
{
	struct service *s = c->api->service;

	if (!client_may_change(c))
		return varlink_error(c->varlink, "NotPermitted", NULL);
	if (somebody_waits(c->api) || s->request_observe(s, wish))
		return varlink_error(c->varlink, "Busy", NULL);
	c->waits_for_programs = true;
	return 0;
}

int api_observe(struct client *c, struct varlink_call *call)
{
	bool payload = false, unload = false;
	int has_payload = json_get_bool(call->parameters, "payload", &payload);

	if (has_payload == -EINVAL)
		return varlink_error_invalid_parameter(c->varlink, "payload");
	if (json_get_bool(call->parameters, "unload", &unload) == -EINVAL ||
	    (unload && !has_payload))
		return varlink_error_invalid_parameter(c->varlink, "unload");
	if (unload)
		return ask(c, PROGRAMS_WISH_UNLOAD);
	if (!has_payload)
		return ask(c, payload ? PROGRAMS_WISH_PAYLOAD : PROGRAMS_WISH_NO_PAYLOAD);
	return client_wait_for_observer(c, false, answer_observe);
}

static int answer_failure(struct client *c, const char *error)
{
	struct json *o = json_new();

	json_set_string(o, "message", error);
	return varlink_error(c->varlink, "ObserverFailed", o);
}

void api_observed(struct api *api, const char *error)
{
	struct client *c, *next;

	DL_FOREACH_SAFE(api->clients, c, next)
	{
		if (!c->waits_for_programs)
			continue;
		c->waits_for_programs = false;
		if (!*error)
			client_wait_for_observer(c, false, answer_observe);
		else if (answer_failure(c, error))
			client_close(c);
		else
			client_serve(c);
	}
}
