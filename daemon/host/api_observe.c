/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GetStats and Observe. */
#include "host/api_observe.h"

#include <errno.h>

#include <utlist.h>

#include "base/json.h"
#include "base/util.h"
#include "bpf/report.h"
#include "host/api.h"
#include "host/api_client.h"
#include "host/listing.h"
#include "host/programs.h"
#include "host/report.h"
#include "host/service.h"
#include "host/stats.h"
#include "host/tls_stat.h"

static struct json *report_groups(struct service *s)
{
	struct listing *l = listing_new(s, LISTING_EVERYWHERE);
	struct stats_groups groups = { .n = 0 };
	struct json *array = json_new_array();
	struct listing_row row;
	int err = l ? 0 : -ENOMEM;

	while (!err && listing_next(l, &row))
		err = stats_add(&groups, &row);
	for (size_t i = 0; i < groups.n; i++)
		json_append(array, report_group(&groups.groups[i]));
	stats_groups_fini(&groups);
	listing_free(l);
	if (!err)
		return array;
	json_free(array);
	return NULL;
}

static struct json *report_totals(const struct walk *w)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < w->n_totals; i++)
		if (w->totals[i].key.event < KTLS_N_EVENTS)
			json_append(array, report_total(&w->totals[i]));
	return array;
}

static struct json *report_tls_stats(const struct walk *w)
{
	struct tls_stat stats[TLS_STAT_MAX];
	size_t n = tls_stat_read(stats);
	struct json *array = json_new_array();
	struct report_reader reader;

	report_reader_init(&reader);
	for (size_t i = 0; i < n; i++) {
		uint64_t ours;
		bool known = stats_find_ours(w, reader.netns, stats[i].name, &ours);

		json_append(array, report_tls_stat(&stats[i], known ? &ours : NULL));
	}
	return array;
}

static int answer_stats(struct client *c)
{
	struct service *s = c->api->service;
	struct json *o = json_new();

	json_set(o, "sockets", report_groups(s));
	json_set(o, "totals", report_totals(&s->observer.last));
	json_set(o, "tls_stat", report_tls_stats(&s->observer.last));
	json_set(o, "observer", report_observer(&s->observer));
	return varlink_reply(c->varlink, o);
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
