/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods of io.ktlsd. */
#include "host/api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/json.h"
#include "base/log.h"
#include "base/util.h"
#include "host/api_client.h"
#include "host/api_drain.h"
#include "host/api_events.h"
#include "host/api_observe.h"
#include "host/listing.h"
#include "host/report.h"
#include "host/service.h"
#include "host/status_report.h"
#include "serve/policy.h"
#include "tls/probe_report.h"

bool client_may_change(const struct client *c)
{
	return !c->uid || c->uid == c->api->service->admin_uid;
}

static int answer_status(struct client *c)
{
	return varlink_reply(c->varlink, status_report_method(c->api->service));
}

int api_stream(struct client *c)
{
	struct service *s = c->api->service;
	struct json *connection, *last;
	int err;

	while (varlink_can_queue(c->varlink) && (connection = listing_report_next(c->listing))) {
		struct json *reply = json_new();

		json_set(reply, "connection", connection);
		err = varlink_reply_more(c->varlink, reply);
		if (err)
			return err;
	}
	if (!listing_is_done(c->listing))
		return 0;
	listing_free(c->listing);
	c->listing = NULL;
	last = json_new();
	json_set(last, "observer", report_observer(&s->observer));
	return varlink_reply(c->varlink, last);
}

static int answer_connection(struct client *c)
{
	struct json *reply, *connection = listing_find(c->api->service, c->wanted_cookie);

	reply = json_new();
	if (connection) {
		json_set(reply, "connection", connection);
		return varlink_reply(c->varlink, reply);
	}
	json_set_int(reply, "cookie", (int64_t)c->wanted_cookie);
	return varlink_error(c->varlink, "NoSuchConnection", reply);
}

static int answer_listing(struct client *c)
{
	c->listing = listing_new(c->api->service, c->scope);
	return c->listing ? api_stream(c) : varlink_error(c->varlink, "Busy", NULL);
}

static void observer_ready(struct observer_wait *w)
{
	struct client *c = container_of(w, struct client, wait);

	c->waits_for_observer = false;
	if (c->answer(c))
		client_close(c);
	else
		client_serve(c);
}

int client_wait_for_observer(struct client *c, bool everywhere, int (*answer)(struct client *c))
{
	c->answer = answer;
	c->waits_for_observer = true;
	c->wait.ready = observer_ready;
	c->wait.everywhere = everywhere;
	observer_refresh(&c->api->service->observer, &c->wait);
	return 0;
}

static int get_status(struct client *c, struct varlink_call *call)
{
	(void)call;
	return client_wait_for_observer(c, false, answer_status);
}

static int list_connections(struct client *c, struct varlink_call *call)
{
	bool all = true, namespaces = false;

	if (!call->more)
		return varlink_error_expected_more(c->varlink);
	if (json_get_bool(call->parameters, "all", &all) == -EINVAL)
		return varlink_error_invalid_parameter(c->varlink, "all");
	if (json_get_bool(call->parameters, "namespaces", &namespaces) == -EINVAL)
		return varlink_error_invalid_parameter(c->varlink, "namespaces");
	c->scope = !all ? LISTING_OWN : namespaces ? LISTING_EVERYWHERE : LISTING_NAMESPACE;
	/* who holds the sockets of others is told by the longer walk alone */
	return client_wait_for_observer(c, all, answer_listing);
}

static int get_connection(struct client *c, struct varlink_call *call)
{
	int64_t cookie = 0;

	if (json_get_int(call->parameters, "cookie", &cookie) || cookie <= 0)
		return varlink_error_invalid_parameter(c->varlink, "cookie");
	c->wanted_cookie = (uint64_t)cookie;
	return client_wait_for_observer(c, true, answer_connection);
}

static int answer_probe(struct client *c)
{
	struct json *reply = json_new();

	json_set(reply, "probe", probe_report(c->api->service->probe));
	return varlink_reply(c->varlink, reply);
}

static int refuse_probe(struct client *c, int err)
{
	struct json *parameters = json_new();

	json_set_string(parameters, "message", strerror(-err));
	return varlink_error(c->varlink, "ProbeFailed", parameters);
}

static void probe_work(struct job *j)
{
	struct probe_job *p = container_of(j, struct probe_job, job);

	p->err = probe_run(p->probe);
	if (p->err)
		log_warning("errno=%s msg=\"the probe could not run, what it found before holds\"",
			    log_errno(p->err));
}

static void probe_done(struct job *j)
{
	struct probe_job *p = container_of(j, struct probe_job, job);
	struct api *api = p->api;
	struct client *c, *next;

	p->running = false;
	if (p->err)
		free(p->probe);
	else
		service_set_probe(api->service, p->probe);
	p->probe = NULL;
	DL_FOREACH_SAFE(api->clients, c, next)
	{
		if (!c->waits_for_probe)
			continue;
		c->waits_for_probe = false;
		if (p->err ? refuse_probe(c, p->err) : answer_probe(c))
			client_close(c);
		else
			client_serve(c);
	}
}

static int start_probe(struct api *api)
{
	struct probe_job *p = &api->probe;
	int err;

	if (p->running)
		return 0;
	p->probe = calloc(1, sizeof(*p->probe));
	if (!p->probe)
		return -ENOMEM;
	p->api = api;
	p->job.work = probe_work;
	p->job.done = probe_done;
	err = job_start(&p->job, &api->service->loop);
	if (err) {
		free(p->probe);
		p->probe = NULL;
		return err;
	}
	p->running = true;
	return 0;
}

static int probe_method(struct client *c, struct varlink_call *call)
{
	bool fresh = false;

	if (json_get_bool(call->parameters, "fresh", &fresh) == -EINVAL)
		return varlink_error_invalid_parameter(c->varlink, "fresh");
	if (!fresh)
		return answer_probe(c);
	if (!client_may_change(c))
		return varlink_error(c->varlink, "NotPermitted", NULL);
	if (start_probe(c->api))
		return varlink_error(c->varlink, "Busy", NULL);
	c->waits_for_probe = true;
	return 0;
}

static bool somebody_reloads(const struct api *api)
{
	const struct client *c;

	DL_FOREACH(api->clients, c)
	if (c->waits_for_reload)
		return true;
	return false;
}

static int reload(struct client *c, struct varlink_call *call)
{
	(void)call;
	if (!client_may_change(c))
		return varlink_error(c->varlink, "NotPermitted", NULL);
	if (somebody_reloads(c->api) || c->api->service->request_reload(c->api->service))
		return varlink_error(c->varlink, "Busy", NULL);
	c->waits_for_reload = true;
	return 0;
}

void api_reloaded(struct api *api, const char *error)
{
	struct client *c, *next;

	DL_FOREACH_SAFE(api->clients, c, next)
	{
		struct json *parameters = NULL;
		int err;

		if (!c->waits_for_reload)
			continue;
		c->waits_for_reload = false;
		if (*error) {
			parameters = json_new();
			json_set_string(parameters, "message", error);
			err = varlink_error(c->varlink, "ReloadFailed", parameters);
		} else {
			err = varlink_reply(c->varlink, NULL);
		}
		if (err)
			client_close(c);
		else
			client_serve(c);
	}
}

/* 0 with *value set (-1 when absent), 1 when an error reply was sent, or -errno. */
static int get_policy(struct client *c, struct json *parameters, const char *key, int *value)
{
	const char *word;
	int err = json_get_string(parameters, key, &word);

	*value = -1;
	if (err == -ENOENT)
		return 0;
	if (err) {
		err = varlink_error_invalid_parameter(c->varlink, key);
		return err ? err : 1;
	}
	*value = policy_find(word);
	if (*value < 0) {
		struct json *o = json_new();

		json_set_string(o, "value", word);
		err = varlink_error(c->varlink, "InvalidPolicy", o);
		return err ? err : 1;
	}
	return 0;
}

static int set_policy(struct client *c, struct varlink_call *call)
{
	struct service *s = c->api->service;
	const char *name = NULL;
	struct json *o;
	int tx, rx, err;

	if (!client_may_change(c))
		return varlink_error(c->varlink, "NotPermitted", NULL);
	if (json_get_string(call->parameters, "listener", &name) == -EINVAL)
		return varlink_error_invalid_parameter(c->varlink, "listener");
	err = get_policy(c, call->parameters, "tx", &tx);
	if (!err)
		err = get_policy(c, call->parameters, "rx", &rx);
	if (err)
		return err > 0 ? 0 : err;
	o = json_new();
	if (!service_set_policy(s, name, tx, rx) && name) {
		json_set_string(o, "listener", name);
		return varlink_error(c->varlink, "NoSuchListener", o);
	}
	json_set(o, "listeners", status_report_listeners(s));
	return varlink_reply(c->varlink, o);
}

static int drain(struct client *c, struct varlink_call *call)
{
	return client_may_change(c) ? api_drain(c, call) :
				      varlink_error(c->varlink, "NotPermitted", NULL);
}

static const struct {
	const char *name;
	int (*run)(struct client *c, struct varlink_call *call);
} methods[] = {
	{ "GetStatus", get_status },	     { "ListConnections", list_connections },
	{ "GetConnection", get_connection }, { "GetStats", api_get_stats },
	{ "GetEvents", api_get_events },     { "Observe", api_observe },
	{ "Probe", probe_method },	     { "Reload", reload },
	{ "SetPolicy", set_policy },	     { "Drain", drain },
};

int api_call(struct client *c, struct varlink_call *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (!strcmp(call->method, methods[i].name))
			return methods[i].run(c, call);
	return varlink_error_method_not_found(c->varlink);
}
