/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients of the API: accept, read, answer, close. */
#include "host/api.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <utlist.h>

#include "base/log.h"
#include "base/util.h"
#include "host/api_client.h"
#include "host/api_events.h"
#include "host/io_ktlsd_varlink.h" /* generated: VARLINK_IO_KTLSD */
#include "host/listing.h"
#include "host/service.h"
#include "host/version.h" /* generated: KTLSD_VERSION */

enum { MAX_CLIENTS = 64 };

void client_close(struct client *c)
{
	struct api *api = c->api;
	int fd = loop_remove(&api->service->loop, &c->watch);

	if (c->waits_for_observer)
		observer_cancel(&api->service->observer, &c->wait);
	listing_free(c->listing);
	varlink_free(c->varlink);
	fd_close(&fd);
	DL_DELETE(api->clients, c);
	DL_APPEND(api->closed, c); /* the batch of events may still name it */
	api->n_clients--;
}

void client_serve(struct client *c)
{
	struct varlink_call call;
	int got = 1, err = 0;

	while (!err && got > 0) {
		if (c->listing)
			err = api_stream(c);
		else if (c->events.streams)
			err = api_events_stream(c);
		if (!err)
			err = varlink_write(c->varlink, c->watch.fd);
		if (err)
			break;
		got = c->listing || c->events.streams ? 0 : varlink_next_call(c->varlink, &call);
		if (got > 0)
			err = api_call(c, &call);
	}
	if (err || got < 0) {
		client_close(c);
		return;
	}
	loop_modify(&c->api->service->loop, &c->watch,
		    (varlink_wants_read(c->varlink) ? (uint32_t)EPOLLIN : 0) |
			    /* a stream may have been sent whole so far: then room wakes nobody */
			    (varlink_wants_write(c->varlink) || c->listing || api_events_due(c) ?
				     (uint32_t)EPOLLOUT :
				     0));
}

static void client_ready(struct watch *w, uint32_t events)
{
	struct client *c = container_of(w, struct client, watch);
	int err = 0;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		err = varlink_read(c->varlink, w->fd);
	if (err)
		client_close(c);
	else
		client_serve(c);
}

static void client_new(struct api *api, int fd)
{
	struct client *c = calloc(1, sizeof(*c));
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (c)
		c->varlink = varlink_new(&api->varlink);
	if (!c || !c->varlink || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) ||
	    loop_add(&api->service->loop, &c->watch, fd, EPOLLIN, true)) {
		if (c)
			varlink_free(c->varlink);
		free(c);
		close(fd);
		return;
	}
	c->api = api;
	c->uid = cred.uid;
	c->watch.ready = client_ready;
	DL_APPEND(api->clients, c);
	api->n_clients++;
}

static int accept_client(struct api *api)
{
	int fd = accept4(api->accept.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0 || (errno != EMFILE && errno != ENFILE) || api->reserve_fd < 0)
		return fd;
	/* Who asks now wants to know what is wrong. */
	fd_close(&api->reserve_fd);
	return accept4(api->accept.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/*
 * Whom no descriptor is left for, waits until one of the others goes or the next one comes, not
 * in a loop that spins.
 */
static void accept_clients(struct api *api)
{
	int fd;

	while ((fd = accept_client(api)) >= 0) {
		if (api->n_clients < MAX_CLIENTS) {
			client_new(api, fd);
			continue;
		}
		log_warning("msg=\"too many clients of the API\" limit=%d", MAX_CLIENTS);
		close(fd);
	}
}

static void accept_ready(struct watch *w, uint32_t events)
{
	(void)events;
	accept_clients(container_of(w, struct api, accept));
}

static void keep_reserve(struct api *api)
{
	if (api->reserve_fd < 0)
		api->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void api_reap(struct api *api)
{
	struct client *c, *next;

	if (!api->closed)
		return;
	DL_FOREACH_SAFE(api->closed, c, next)
	free(c);
	api->closed = NULL;
	if (api->reserve_fd >= 0)
		return;
	keep_reserve(api);
	accept_clients(api);
}

struct api *api_new(struct service *service, int listen_fd)
{
	struct api *api = calloc(1, sizeof(*api));

	if (!api)
		return NULL;
	api->service = service;
	api->varlink = (struct varlink_service){ .vendor = "ktlsd",
						 .product = "ktlsd",
						 .version = KTLSD_VERSION,
						 .url = "https://varlink.org/io.ktlsd",
						 .interface = "io.ktlsd",
						 .description = VARLINK_IO_KTLSD };
	api->accept.ready = accept_ready;
	api->reserve_fd = -1;
	keep_reserve(api);
	if (!loop_add(&service->loop, &api->accept, listen_fd, EPOLLIN, false))
		return api;
	fd_close(&api->reserve_fd);
	free(api);
	return NULL;
}

void api_free(struct api *api)
{
	struct client *c, *next;
	int fd;

	if (!api)
		return;
	fd = loop_remove(&api->service->loop, &api->accept);
	fd_close(&fd);
	DL_FOREACH_SAFE(api->clients, c, next)
	client_close(c);
	api_reap(api);
	fd_close(&api->reserve_fd);
	free(api);
}
