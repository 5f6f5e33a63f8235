/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wraps libmicrohttpd, by its epoll descriptor and without a thread of its own. */
#include "host/web.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <microhttpd.h>
#include <utlist.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"

enum {
	MAX_PEERS = 128,
	MAX_PEERS_OF_ADDRESS = 96,
	PEER_MEMORY = 16 * 1024, /* of a request's head */
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

struct web {
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct watch http;   /* the library's epoll descriptor */
	struct watch accept; /* edge-triggered, owns the listening socket */
	web_handler *handler;
	void *arg;
	struct peer *peers;
	struct web_request *waiting;
	bool has_resumed; /* the library does not know that it has something to do */
};

/* ---- answers ---- */

/* The page's script and styles are in it; nothing comes from elsewhere, nothing goes there. */
static const char security_policy[] = "default-src 'none'; script-src 'unsafe-inline'; "
				      "style-src 'unsafe-inline'; img-src data:; "
				      "connect-src 'self'; base-uri 'none'; form-action 'none'; "
				      "frame-ancestors 'none'";

bool web_answer(struct web_request *r, enum web_status status, const char *type, const void *bytes,
		size_t len)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, (void *)bytes, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!response)
		return false;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "Content-Security-Policy", security_policy);
	if (status == WEB_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(r->connection, status, response);
	MHD_destroy_response(response);
	return result == MHD_YES;
}

/* The library's responses are what many answers can share. */
static struct MHD_Response *response_of(const struct web_text *t)
{
	return (struct MHD_Response *)t;
}

struct web_text *web_text_new(char *text, size_t len, const char *type)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer_with_free_callback(len, text, free);

	if (!response) {
		free(text);
		return NULL;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
	return (struct web_text *)response;
}

void web_text_free(struct web_text *t)
{
	if (t)
		MHD_destroy_response(response_of(t));
}

bool web_answer_text(struct web_request *r, const struct web_text *t)
{
	return MHD_queue_response(r->connection, WEB_OK, response_of(t)) == MHD_YES;
}

/* ---- requests ---- */

const char *web_header(const struct web_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
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

bool web_is_at_loopback(const struct web_request *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info && is_loopback(info->connect_fd);
}

bool web_wait(struct web *w, struct web_request *r)
{
	r->is_waiting = true;
	DL_APPEND(w->waiting, r);
	MHD_suspend_connection(r->connection);
	return true;
}

const struct web_request *web_waiting(const struct web *w)
{
	return w->waiting;
}

void web_resume(struct web *w)
{
	struct web_request *r;

	while ((r = w->waiting)) {
		DL_DELETE(w->waiting, r);
		r->is_waiting = false;
		r->has_waited = true;
		MHD_resume_connection(r->connection);
		w->has_resumed = true;
	}
}

static bool is_read_only(const char *method)
{
	return !strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD);
}

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
	struct web *w = arg;
	struct web_request *r = *context;

	(void)version;
	(void)data;
	if (!r) {
		r = calloc(1, sizeof(*r));
		if (!r)
			return MHD_NO;
		r->connection = c;
		r->is_read_only = is_read_only(method);
		*context = r;
		set_deadline(c, REQUEST_MS);
		if (r->is_read_only)
			return MHD_YES;
	}
	if (*data_len) {
		*data_len = 0;
		return MHD_YES;
	}
	return w->handler(w->arg, r, path) ? MHD_YES : MHD_NO;
}

static void completed(void *arg, struct MHD_Connection *c, void **context,
		      enum MHD_RequestTerminationCode why)
{
	struct web *w = arg;
	struct web_request *r = *context;

	(void)why;
	if (r && r->is_waiting)
		DL_DELETE(w->waiting, r);
	free(r);
	*context = NULL;
	set_deadline(c, IDLE_MS);
}

static void notified(void *arg, struct MHD_Connection *c, void **context,
		     enum MHD_ConnectionNotificationCode what)
{
	struct web *w = arg;
	struct peer *p = *context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return; /* has no deadline but the library's */
		p->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		p->due_ns = now_ns() + REQUEST_MS * NS_PER_MS;
		DL_APPEND(w->peers, p);
		*context = p;
	} else if (p) {
		DL_DELETE(w->peers, p);
		free(p);
		*context = NULL;
	}
}

static void http_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	MHD_run(container_of(watch, struct web, http)->daemon);
}

/* Edge-triggered: who finds no descriptor left waits until the next one comes. */
static void accept_ready(struct watch *watch, uint32_t events)
{
	struct web *w = container_of(watch, struct web, accept);
	struct sockaddr_storage peer;
	socklen_t len;
	int fd;

	(void)events;
	while (len = sizeof(peer), (fd = accept4(watch->fd, (struct sockaddr *)&peer, &len,
						 SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		/* closes it where it is one too many */
		(void)MHD_add_connection(w->daemon, fd, (struct sockaddr *)&peer, len);
	MHD_run(w->daemon);
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

static struct MHD_Daemon *start_daemon(struct web *w)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
					MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
				0, NULL, NULL, handle, w, MHD_OPTION_EXTERNAL_LOGGER, complain,
				NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_PEERS,
				MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)MAX_PEERS_OF_ADDRESS,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)PEER_MEMORY,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(IDLE_MS / MS_PER_S),
				MHD_OPTION_NOTIFY_COMPLETED, completed, w,
				MHD_OPTION_NOTIFY_CONNECTION, notified, w, MHD_OPTION_END);
}

struct web *web_new(struct loop *loop, web_handler *handler, void *arg)
{
	struct web *w = calloc(1, sizeof(*w));
	const union MHD_DaemonInfo *info;

	if (!w)
		return NULL;
	w->loop = loop;
	w->handler = handler;
	w->arg = arg;
	w->http = (struct watch){ .ready = http_ready, .fd = -1 };
	w->accept = (struct watch){ .ready = accept_ready, .fd = -1 };
	w->daemon = start_daemon(w);
	info = w->daemon ? MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (info && !loop_add(loop, &w->http, info->epoll_fd, EPOLLIN, true))
		return w;
	web_free(w);
	return NULL;
}

void web_free(struct web *w)
{
	int fd;

	if (!w)
		return;
	fd = loop_remove(w->loop, &w->accept);
	fd_close(&fd);
	loop_remove(w->loop, &w->http);
	web_resume(w); /* or the library waits for them for ever */
	if (w->daemon)
		MHD_stop_daemon(w->daemon);
	free(w);
}

int web_listen(struct web *w, int fd)
{
	int former = loop_remove(w->loop, &w->accept), err = 0;

	fd_close(&former);
	if (fd >= 0)
		err = loop_add(w->loop, &w->accept, fd, EPOLLIN, false);
	if (err)
		close(fd);
	return err;
}

uint64_t web_next_deadline(const struct web *w)
{
	uint64_t due = UINT64_MAX;
	MHD_UNSIGNED_LONG_LONG ms;
	const struct peer *p;

	if (MHD_get_timeout(w->daemon, &ms) == MHD_YES)
		due = now_ns() + ms * NS_PER_MS;
	DL_FOREACH(w->peers, p)
	due = MIN_OF(due, p->due_ns);
	return due;
}

void web_tick(struct web *w, uint64_t now)
{
	MHD_UNSIGNED_LONG_LONG ms;
	struct peer *p;

	DL_FOREACH(w->peers, p)
	if (p->due_ns <= now) {
		shutdown(p->fd, SHUT_RDWR); /* the library sees it and closes */
		p->due_ns = UINT64_MAX;
	}
	if (w->has_resumed || (MHD_get_timeout(w->daemon, &ms) == MHD_YES && !ms)) {
		w->has_resumed = false;
		MHD_run(w->daemon);
	}
}
