/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests in, shared texts out. */
#include "host/exporter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <microhttpd.h>
#include <utlist.h>

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
#include "serve/listener.h"

enum {
	MAX_PEERS = 128,
	MAX_PEERS_OF_ADDRESS = 96,
	PEER_MEMORY = 16 * 1024, /* of a request's head */
	FRESH_MS = 250,		 /* scrapes that come together share a text for so long */
	STATUS_REST = 20,	 /* times what it took, and none is made for so long */
	REQUEST_MS = 10000,	 /* from accept to the request's head, and from there to the last
				  * byte of the answer: however slowly bytes move meanwhile */
	IDLE_MS = 120000,	 /* for the next request */
};

/* A client's connection. */
struct peer {
	struct peer *prev, *next;
	int fd; /* the library's */
	uint64_t due_ns;
};

/* One that waits for a text that is being made. */
struct request {
	struct request *prev, *next;
	struct MHD_Connection *connection;
	enum exposition_format format;
	bool is_waiting, is_told;
};

/* A text that many answers share. */
struct shared_text {
	struct MHD_Response *response;
	uint64_t stale_ns; /* no longer good then */
};

struct exporter {
	struct service *service;
	struct MHD_Daemon *daemon;
	struct watch http;   /* the library's epoll descriptor */
	struct watch accept; /* edge-triggered, owns the listening socket */
	char *name;	     /* of the listening socket, in the configuration */
	struct scrape scrape;
	struct shared_text metrics[EXPOSITION_N_FORMATS], status;
	struct peer *peers;
	struct request *waiting;
	bool has_resumed; /* the library does not know that it has something to do */
	uint64_t responses[METRICS_N_CODES];
};

/* ---- answers ---- */

static enum metrics_code code_of(unsigned status)
{
	switch (status) {
	case MHD_HTTP_OK:
		return METRICS_200;
	case MHD_HTTP_NOT_FOUND:
		return METRICS_404;
	case MHD_HTTP_METHOD_NOT_ALLOWED:
		return METRICS_405;
	case MHD_HTTP_SERVICE_UNAVAILABLE:
		return METRICS_503;
	default:
		return METRICS_400;
	}
}

static enum MHD_Result answer(struct exporter *e, struct MHD_Connection *c, unsigned status,
			      struct MHD_Response *response)
{
	e->responses[code_of(status)]++;
	return MHD_queue_response(c, status, response);
}

/* The page's script and styles are in it; nothing comes from elsewhere, nothing goes there. */
static const char security_policy[] = "default-src 'none'; script-src 'unsafe-inline'; "
				      "style-src 'unsafe-inline'; img-src data:; "
				      "connect-src 'self'; base-uri 'none'; form-action 'none'; "
				      "frame-ancestors 'none'";

/* With bytes that are static. */
static enum MHD_Result answer_bytes(struct exporter *e, struct MHD_Connection *c, unsigned status,
				    const char *type, const void *bytes, size_t len)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, (void *)(uintptr_t)bytes,
								 MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(r, "Content-Security-Policy", security_policy);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = answer(e, c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result answer_line(struct exporter *e, struct MHD_Connection *c, unsigned status,
				   const char *line)
{
	return answer_bytes(e, c, status, "text/plain; charset=utf-8", line, strlen(line));
}

static bool is_fresh(const struct shared_text *t, uint64_t now)
{
	return t->response && now < t->stale_ns;
}

/* Takes over the text. */
static void share(struct shared_text *t, char *text, size_t len, const char *type)
{
	if (t->response)
		MHD_destroy_response(t->response); /* those that are sending it keep it */
	t->response = MHD_create_response_from_buffer_with_free_callback(len, text, free);
	t->stale_ns = now_ns() + FRESH_MS * NS_PER_MS;
	if (!t->response) {
		free(text);
		return;
	}
	MHD_add_response_header(t->response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(t->response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(t->response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
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
	if (e->metrics[format].response)
		MHD_destroy_response(e->metrics[format].response);
	e->metrics[format].response = NULL;
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
static enum MHD_Result wait_for_scrape(struct exporter *e, struct request *r)
{
	r->is_waiting = true;
	DL_APPEND(e->waiting, r);
	MHD_suspend_connection(r->connection);
	scrape_begin(&e->scrape);
	return MHD_YES;
}

static enum MHD_Result answer_shared(struct exporter *e, struct request *r,
				     const struct shared_text *t)
{
	if (!t->response)
		return answer_line(e, r->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				   "the figures cannot be gathered now\n");
	return answer(e, r->connection, MHD_HTTP_OK, t->response);
}

static enum MHD_Result get_metrics(struct exporter *e, struct request *r)
{
	struct shared_text *t;

	r->format = exposition_choose(MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND,
								  MHD_HTTP_HEADER_ACCEPT));
	t = &e->metrics[r->format];
	if (!r->is_told && !is_fresh(t, now_ns()))
		return wait_for_scrape(e, r);
	return answer_shared(e, r, t);
}

static bool is_loopback(int fd)
{
	union {
		struct sockaddr_storage any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} local = { .any.ss_family = AF_UNSPEC };
	socklen_t len = sizeof(local);

	if (getsockname(fd, (struct sockaddr *)&local, &len))
		return false;
	if (local.any.ss_family == AF_INET)
		return ntohl(local.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (local.any.ss_family != AF_INET6)
		return false;
	return IN6_IS_ADDR_LOOPBACK(&local.v6.sin6_addr) ||
	       (IN6_IS_ADDR_V4MAPPED(&local.v6.sin6_addr) &&
		local.v6.sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
}

/*
 * A browser was sent here by a name that is not of this machine. Only for the status page: by what
 * names others reach an address that is not loopback we cannot know, and who scrapes is no browser.
 */
static bool is_misled(const struct exporter *e, struct MHD_Connection *c)
{
	const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

	return host && !http_host_is_local(host, e->name) && info && is_loopback(info->connect_fd);
}

static enum MHD_Result get_status(struct exporter *e, struct request *r)
{
	if (is_misled(e, r->connection))
		return answer_line(e, r->connection, MHD_HTTP_BAD_REQUEST,
				   "this host is not called so: ask for it by address, or as "
				   "localhost; a proxy must not pass on the Host it was asked "
				   "for\n");
	if (!r->is_told && !is_fresh(&e->status, now_ns()))
		return wait_for_scrape(e, r);
	if (!is_fresh(&e->status, now_ns()))
		make_status(e);
	return answer_shared(e, r, &e->status);
}

static enum MHD_Result get_health(struct exporter *e, struct request *r)
{
	return answer_line(e, r->connection, MHD_HTTP_OK, "ok\n");
}

/* Who only observes is ready; who serves is, while it takes connections. */
static enum MHD_Result get_ready(struct exporter *e, struct request *r)
{
	const struct runtime *rt = &e->service->runtime;

	for (unsigned i = 0; i < rt->n_listeners; i++)
		if (!atomic_load(&rt->listeners[i]->draining))
			return answer_line(e, r->connection, MHD_HTTP_OK, "ready\n");
	if (!rt->n_listeners)
		return answer_line(e, r->connection, MHD_HTTP_OK, "ready: observing\n");
	return answer_line(e, r->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			   "all listeners are drained\n");
}

static enum MHD_Result get_page(struct exporter *e, struct request *r)
{
	return answer_bytes(e, r->connection, MHD_HTTP_OK, "text/html; charset=utf-8", status_page,
			    sizeof(status_page));
}

static const struct {
	const char *path;
	enum MHD_Result (*get)(struct exporter *e, struct request *r);
} routes[] = {
	{ "/metrics", get_metrics }, { "/healthz", get_health },     { "/readyz", get_ready },
	{ "/", get_page },	     { "/status.json", get_status },
};

static bool is_read_only(const char *method)
{
	return !strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD);
}

static enum MHD_Result route(struct exporter *e, struct request *r, const char *path,
			     const char *method)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (strcmp(path, routes[i].path))
			continue;
		if (!is_read_only(method))
			return answer_line(e, r->connection, MHD_HTTP_METHOD_NOT_ALLOWED,
					   "only GET and HEAD are answered\n");
		return routes[i].get(e, r);
	}
	return answer_line(e, r->connection, MHD_HTTP_NOT_FOUND,
			   "there are /, /metrics, /healthz, /readyz and /status.json\n");
}

/* ---- clients, and the library's calls ---- */

static struct peer *peer_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void set_deadline(struct MHD_Connection *c, uint64_t ms)
{
	struct peer *p = peer_of(c);

	if (p)
		p->due_ns = now_ns() + ms * NS_PER_MS;
}

/*
 * Called with the request's head, with each piece of its body, which is dropped, and at its end;
 * then again after it was suspended. What needs no body is answered at its end, so that the
 * connection can go on; the rest at once, and the connection closes.
 */
static enum MHD_Result handle(void *arg, struct MHD_Connection *c, const char *path,
			      const char *method, const char *version, const char *data,
			      size_t *data_len, void **context)
{
	struct exporter *e = arg;
	struct request *r = *context;

	(void)version;
	(void)data;
	if (!r) {
		r = calloc(1, sizeof(*r));
		if (!r)
			return MHD_NO;
		r->connection = c;
		*context = r;
		set_deadline(c, REQUEST_MS);
		if (is_read_only(method))
			return MHD_YES;
	}
	if (*data_len) {
		*data_len = 0;
		return MHD_YES;
	}
	return route(e, r, path, method);
}

static void completed(void *arg, struct MHD_Connection *c, void **context,
		      enum MHD_RequestTerminationCode why)
{
	struct exporter *e = arg;
	struct request *r = *context;

	(void)why;
	if (r && r->is_waiting)
		DL_DELETE(e->waiting, r);
	free(r);
	*context = NULL;
	set_deadline(c, IDLE_MS);
}

static void notified(void *arg, struct MHD_Connection *c, void **context,
		     enum MHD_ConnectionNotificationCode what)
{
	struct exporter *e = arg;
	struct peer *p = *context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return; /* has no deadline but the library's */
		p->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		p->due_ns = now_ns() + REQUEST_MS * NS_PER_MS;
		DL_APPEND(e->peers, p);
		*context = p;
	} else if (p) {
		DL_DELETE(e->peers, p);
		free(p);
		*context = NULL;
	}
}

static void scraped(struct scrape *s)
{
	struct exporter *e = container_of(s, struct exporter, scrape);
	bool wanted[EXPOSITION_N_FORMATS] = { false };
	struct request *r;

	DL_FOREACH(e->waiting, r)
	wanted[r->format] = true;
	for (int f = 0; f < EXPOSITION_N_FORMATS; f++)
		if (wanted[f])
			make_metrics(e, (enum exposition_format)f);
	while ((r = e->waiting)) {
		DL_DELETE(e->waiting, r);
		r->is_waiting = false;
		r->is_told = true;
		MHD_resume_connection(r->connection);
		e->has_resumed = true;
	}
}

static void http_ready(struct watch *w, uint32_t events)
{
	(void)events;
	MHD_run(container_of(w, struct exporter, http)->daemon);
}

/* Edge-triggered: who finds no descriptor left waits until the next one comes. */
static void accept_ready(struct watch *w, uint32_t events)
{
	struct exporter *e = container_of(w, struct exporter, accept);
	struct sockaddr_storage peer;
	socklen_t len;
	int fd;

	(void)events;
	while (len = sizeof(peer), (fd = accept4(w->fd, (struct sockaddr *)&peer, &len,
						 SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		/* closes it where it is one too many */
		(void)MHD_add_connection(e->daemon, fd, (struct sockaddr *)&peer, len);
	MHD_run(e->daemon);
}

static void complain(void *arg, const char *fmt, va_list args)
{
	char text[256];

	(void)arg;
	vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\n")] = '\0';
	log_info("msg=\"exporter: %s\"", text);
}

/* ---- life ---- */

static struct MHD_Daemon *start_daemon(struct exporter *e)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
					MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
				0, NULL, NULL, handle, e, MHD_OPTION_EXTERNAL_LOGGER, complain,
				NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_PEERS,
				MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)MAX_PEERS_OF_ADDRESS,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)PEER_MEMORY,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(IDLE_MS / MS_PER_S),
				MHD_OPTION_NOTIFY_COMPLETED, completed, e,
				MHD_OPTION_NOTIFY_CONNECTION, notified, e, MHD_OPTION_END);
}

struct exporter *exporter_new(struct service *service)
{
	struct exporter *e = calloc(1, sizeof(*e));
	const union MHD_DaemonInfo *info;

	if (!e)
		return NULL;
	e->service = service;
	e->http = (struct watch){ .ready = http_ready, .fd = -1 };
	e->accept = (struct watch){ .ready = accept_ready, .fd = -1 };
	if (!scrape_init(&e->scrape, service, scraped))
		e->daemon = start_daemon(e);
	info = e->daemon ? MHD_get_daemon_info(e->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (info && !loop_add(&service->loop, &e->http, info->epoll_fd, EPOLLIN, true))
		return e;
	exporter_free(e);
	return NULL;
}

void exporter_free(struct exporter *e)
{
	int fd;

	if (!e)
		return;
	fd = loop_remove(&e->service->loop, &e->accept);
	fd_close(&fd);
	loop_remove(&e->service->loop, &e->http);
	while (e->waiting) { /* or the library waits for them for ever */
		struct request *r = e->waiting;

		DL_DELETE(e->waiting, r);
		r->is_waiting = false;
		MHD_resume_connection(r->connection);
	}
	if (e->daemon)
		MHD_stop_daemon(e->daemon);
	for (int f = 0; f < EXPOSITION_N_FORMATS; f++)
		if (e->metrics[f].response)
			MHD_destroy_response(e->metrics[f].response);
	if (e->status.response)
		MHD_destroy_response(e->status.response);
	scrape_fini(&e->scrape);
	free(e->name);
	free(e);
}

int exporter_listen(struct exporter *e, int fd, const char *name)
{
	int former = loop_remove(&e->service->loop, &e->accept), err = 0;

	fd_close(&former);
	free(e->name);
	e->name = strdup(name);
	if (fd >= 0)
		err = loop_add(&e->service->loop, &e->accept, fd, EPOLLIN, false);
	if (err)
		close(fd);
	return err;
}

uint64_t exporter_next_deadline(struct exporter *e)
{
	uint64_t due = scrape_next_deadline(&e->scrape);
	MHD_UNSIGNED_LONG_LONG ms;
	const struct peer *p;

	if (MHD_get_timeout(e->daemon, &ms) == MHD_YES)
		due = MIN_OF(due, now_ns() + ms * NS_PER_MS);
	DL_FOREACH(e->peers, p)
	due = MIN_OF(due, p->due_ns);
	return due;
}

void exporter_tick(struct exporter *e, uint64_t now)
{
	MHD_UNSIGNED_LONG_LONG ms;
	struct peer *p;

	scrape_expire(&e->scrape, now);
	DL_FOREACH(e->peers, p)
	if (p->due_ns <= now) {
		shutdown(p->fd, SHUT_RDWR); /* the library sees it and closes */
		p->due_ns = UINT64_MAX;
	}
	if (e->has_resumed || (MHD_get_timeout(e->daemon, &ms) == MHD_YES && !ms)) {
		e->has_resumed = false;
		MHD_run(e->daemon);
	}
}
