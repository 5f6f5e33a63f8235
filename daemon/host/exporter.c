/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths in, shared texts out. */
#include "host/exporter.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/util.h"
#include "host/exposition.h"
#include "host/http_host.h"
#include "host/metrics.h"
#include "host/scrape.h"
#include "host/service.h"
#include "host/status_page.h" /* generated: status_page */
#include "host/status_report.h"
#include "host/web.h"
#include "serve/listener.h"

enum {
	FRESH_MS = 250,	  /* scrapes that come together share a text for so long */
	STATUS_REST = 20, /* times what it took, and none is made for so long */
};

struct shared_text {
	struct web_text *text;
	uint64_t stale_ns;
};

struct exporter {
	struct service *service;
	struct web *web;
	char *name; /* of the listening socket, in the configuration */
	struct scrape scrape;
	struct shared_text metrics[EXPOSITION_N_FORMATS], status;
	uint64_t responses[METRICS_N_CODES];
};

/* ---- answers ---- */

static enum metrics_code code_of(enum web_status status)
{
	switch (status) {
	case WEB_OK:
		return METRICS_200;
	case WEB_NOT_FOUND:
		return METRICS_404;
	case WEB_NOT_ALLOWED:
		return METRICS_405;
	case WEB_UNAVAILABLE:
		return METRICS_503;
	default:
		return METRICS_400;
	}
}

static bool answer_line(struct exporter *e, struct web_request *r, enum web_status status,
			const char *line)
{
	e->responses[code_of(status)]++;
	return web_answer(r, status, "text/plain; charset=utf-8", line, strlen(line));
}

static bool is_fresh(const struct shared_text *t, uint64_t now)
{
	return t->text && now < t->stale_ns;
}

/* Takes over the text. */
static void share(struct shared_text *t, char *text, size_t len, const char *type)
{
	web_text_free(t->text);
	t->text = web_text_new(text, len, type);
	t->stale_ns = now_ns() + FRESH_MS * NS_PER_MS;
}

static void make_metrics(struct exporter *e, enum exposition_format format)
{
	struct exposition x;
	int err;

	exposition_init(&x, format);
	scrape_write(&e->scrape, &x, e->responses);
	err = exposition_end(&x);
	if (!err) {
		share(&e->metrics[format], x.text, x.len, exposition_content_type(format));
		return;
	}
	log_err("errno=%s msg=\"the metrics cannot be written\"", log_errno(err));
	exposition_fini(&x);
	web_text_free(e->metrics[format].text);
	e->metrics[format].text = NULL;
}

static void make_status(struct exporter *e)
{
	uint64_t began_ns = now_ns();
	struct json *o = status_report(e->service);
	char *text = json_print(o);

	json_free(o);
	if (!text)
		return;
	share(&e->status, text, strlen(text), "application/json");
	/* Workers describe their connections for it: not more than a part of the time. */
	e->status.stale_ns += STATUS_REST * (now_ns() - began_ns);
}

/* ---- requests ---- */

/* Has the request called again once the figures are there. */
static bool wait_for_scrape(struct exporter *e, struct web_request *r)
{
	scrape_begin(&e->scrape);
	return web_wait(e->web, r);
}

static bool answer_shared(struct exporter *e, struct web_request *r, const struct shared_text *t)
{
	if (!t->text)
		return answer_line(e, r, WEB_UNAVAILABLE, "the figures cannot be gathered now\n");
	e->responses[METRICS_200]++;
	return web_answer_text(r, t->text);
}

static bool get_metrics(struct exporter *e, struct web_request *r)
{
	struct shared_text *t;

	r->what = exposition_choose(web_header(r, "Accept"));
	t = &e->metrics[r->what];
	if (!r->has_waited && !is_fresh(t, now_ns()))
		return wait_for_scrape(e, r);
	return answer_shared(e, r, t);
}

/*
 * A browser was sent here by a name that is not of this machine. Only for the status page: by what
 * names others reach an address that is not loopback we cannot know, and who scrapes is no browser.
 */
static bool is_misled(const struct exporter *e, const struct web_request *r)
{
	const char *host = web_header(r, "Host");

	return host && !http_host_is_local(host, e->name) && web_is_at_loopback(r);
}

static bool get_status(struct exporter *e, struct web_request *r)
{
	if (is_misled(e, r))
		return answer_line(e, r, WEB_BAD_REQUEST,
				   "this host is not called so: ask for it by address, or as "
				   "localhost; a proxy must not pass on the Host it was asked "
				   "for\n");
	if (!r->has_waited && !is_fresh(&e->status, now_ns()))
		return wait_for_scrape(e, r);
	if (!is_fresh(&e->status, now_ns()))
		make_status(e);
	return answer_shared(e, r, &e->status);
}

static bool get_health(struct exporter *e, struct web_request *r)
{
	return answer_line(e, r, WEB_OK, "ok\n");
}

/* Who only observes is ready; who serves is, while it takes connections. */
static bool get_ready(struct exporter *e, struct web_request *r)
{
	const struct runtime *rt = &e->service->runtime;

	for (unsigned i = 0; i < rt->n_listeners; i++)
		if (!atomic_load(&rt->listeners[i]->draining))
			return answer_line(e, r, WEB_OK, "ready\n");
	if (!rt->n_listeners)
		return answer_line(e, r, WEB_OK, "ready: observing\n");
	return answer_line(e, r, WEB_UNAVAILABLE, "all listeners are drained\n");
}

static bool get_page(struct exporter *e, struct web_request *r)
{
	e->responses[METRICS_200]++;
	return web_answer(r, WEB_OK, "text/html; charset=utf-8", status_page, sizeof(status_page));
}

static const struct {
	const char *path;
	bool (*get)(struct exporter *e, struct web_request *r);
} routes[] = {
	{ "/metrics", get_metrics }, { "/healthz", get_health },     { "/readyz", get_ready },
	{ "/", get_page },	     { "/status.json", get_status },
};

static bool route(void *arg, struct web_request *r, const char *path)
{
	struct exporter *e = arg;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (strcmp(path, routes[i].path))
			continue;
		if (!r->is_read_only)
			return answer_line(e, r, WEB_NOT_ALLOWED,
					   "only GET and HEAD are answered\n");
		return routes[i].get(e, r);
	}
	return answer_line(e, r, WEB_NOT_FOUND,
			   "there are /, /metrics, /healthz, /readyz and /status.json\n");
}

static void scraped(struct scrape *s)
{
	struct exporter *e = container_of(s, struct exporter, scrape);
	bool wanted[EXPOSITION_N_FORMATS] = { false };

	for (const struct web_request *r = web_waiting(e->web); r; r = r->next)
		wanted[r->what] = true;
	for (int f = 0; f < EXPOSITION_N_FORMATS; f++)
		if (wanted[f])
			make_metrics(e, (enum exposition_format)f);
	web_resume(e->web);
}

/* ---- life ---- */

struct exporter *exporter_new(struct service *service)
{
	struct exporter *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->service = service;
	if (!scrape_init(&e->scrape, service, scraped))
		e->web = web_new(&service->loop, route, e);
	if (e->web)
		return e;
	exporter_free(e);
	return NULL;
}

void exporter_free(struct exporter *e)
{
	if (!e)
		return;
	web_free(e->web);
	for (int f = 0; f < EXPOSITION_N_FORMATS; f++)
		web_text_free(e->metrics[f].text);
	web_text_free(e->status.text);
	scrape_fini(&e->scrape);
	free(e->name);
	free(e);
}

int exporter_listen(struct exporter *e, int fd, const char *name)
{
	free(e->name);
	e->name = strdup(name);
	return web_listen(e->web, fd);
}

uint64_t exporter_next_deadline(struct exporter *e)
{
	uint64_t scrape = scrape_next_deadline(&e->scrape), web = web_next_deadline(e->web);

	return MIN_OF(scrape, web);
}

void exporter_tick(struct exporter *e, uint64_t now)
{
	scrape_expire(&e->scrape, now);
	web_tick(e->web, now);
}
