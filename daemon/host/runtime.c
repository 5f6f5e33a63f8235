/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From struct config to struct listener. */
#include "host/runtime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "host/config.h"
#include "serve/files.h"
#include "serve/listener.h"
#include "serve/mime.h"
#include "serve/relay.h"
#include "tls/handshake.h"

/* How long a peer gets to read the alert that ended its connection. */
enum { LINGER_MS = 500 };

static struct handshake_offer *build_offer(const struct config_listener *cl,
					   struct ticket_keys *tickets, char *error,
					   size_t error_len)
{
	_cleanup_free_ struct handshake_certificate *certs =
		calloc(cl->n_certificates, sizeof(*certs));
	struct handshake_options o = { .certificates = certs,
				       .n_certificates = cl->n_certificates,
				       .alpn = (const char *const *)cl->alpn,
				       .n_alpn = cl->n_alpn,
				       .ciphers = cl->ciphers,
				       .version_min = cl->version_min,
				       .version_max = cl->version_max,
				       .tickets = tickets };

	if (!certs) {
		snprintf(error, error_len, "memory is short");
		return NULL;
	}
	for (unsigned i = 0; i < cl->n_certificates; i++) {
		const struct config_certificate *c = &cl->certificates[i];

		certs[i] = (struct handshake_certificate){ .chain = c->chain,
							   .chain_len = c->chain_len,
							   .key = c->key,
							   .key_len = c->key_len,
							   .name = c->chain_path };
	}
	return handshake_offer_new(&o, error, error_len);
}

static void set_timeouts(struct listener *l, const struct config_timeouts *t)
{
	l->timeout_ns[DEADLINE_HANDSHAKE] = t->handshake * NS_PER_MS;
	l->timeout_ns[DEADLINE_CONNECT] = t->connect * NS_PER_MS;
	l->timeout_ns[DEADLINE_IDLE] = t->idle * NS_PER_MS;
	l->timeout_ns[DEADLINE_REQUEST] = t->request * NS_PER_MS;
	l->timeout_ns[DEADLINE_STALL] = t->stall * NS_PER_MS;
	l->timeout_ns[DEADLINE_DRAIN] = t->drain * NS_PER_MS;
	l->timeout_ns[DEADLINE_LINGER] = LINGER_MS * NS_PER_MS;
	l->total_ns = t->total * NS_PER_MS;
}

static int set_files(struct listener *l, const struct config_listener *cl, struct mime *mime,
		     char *error, size_t error_len)
{
	struct document_root *root = &l->files.root;

	l->backend = &files_backend;
	l->files.request_max = cl->files.request_max;
	l->files.zerocopy = cl->files.zerocopy;
	root->mime = mime_ref(mime);
	root->index = strdup(cl->files.index);
	root->fd = document_open_root(cl->files.root);
	if (root->index && root->fd >= 0)
		return 0;
	snprintf(error, error_len, "files.root: the directory '%s' cannot be opened: %s",
		 cl->files.root, strerror(root->index ? -root->fd : ENOMEM));
	return -EINVAL;
}

static int set_proxy(struct listener *l, const struct config_listener *cl)
{
	l->backend = &relay_backend;
	memcpy(&l->proxy.address, cl->backend.address.bytes, cl->backend.address.len);
	l->proxy.address_len = cl->backend.address.len;
	l->proxy.keepalive = (struct listener_keepalive){ .idle = (int)cl->keepalive.idle,
							  .interval = (int)cl->keepalive.interval,
							  .count = (int)cl->keepalive.count };
	return 0;
}

/* The table of media types, if a listener needs it. Without it all files are of no known type. */
static struct mime *load_mime(const struct config *config)
{
	struct mime *mime = NULL;
	bool is_needed = false;

	for (unsigned i = 0; i < config->n_listeners; i++)
		is_needed |= config->listeners[i].backend.kind == CONFIG_BACKEND_FILES;
	if (is_needed)
		mime = mime_load(MIME_TABLE);
	if (is_needed && !mime)
		log_warning("errno=%s msg=\"files are served as " MIME_UNKNOWN ": " MIME_TABLE
			    " cannot be read; install media-types\"",
			    log_errno(errno));
	return mime;
}

static const struct listener *find_former(const struct runtime *former, const char *name)
{
	for (unsigned i = 0; former && i < former->n_listeners; i++)
		if (!strcmp(former->listeners[i]->name, name))
			return former->listeners[i];
	return NULL;
}

static struct listener *build_listener(const struct config_listener *cl,
				       const struct listener *former, struct ticket_keys *tickets,
				       struct mime *mime, char *error, size_t error_len)
{
	struct listener *l = listener_new(cl->name, cl->text, cl->backend.text, former);
	int err;

	if (!l) {
		snprintf(error, error_len, "memory is short");
		return NULL;
	}
	set_timeouts(l, &cl->timeouts);
	err = cl->backend.kind == CONFIG_BACKEND_FILES ? set_files(l, cl, mime, error, error_len) :
							 set_proxy(l, cl);
	for (int d = 0; d < N_DIRECTIONS; d++)
		l->policy[d] = cl->policy.dir[d];
	if (!err)
		l->offer = build_offer(cl, tickets, error, error_len);
	if (l->offer)
		return l;
	listener_unref(l);
	return NULL;
}

int runtime_build(struct runtime *rt, const struct config *config, const struct runtime *former,
		  struct ticket_keys *tickets, char *error, size_t error_len)
{
	struct mime *mime;

	*rt = (struct runtime){ 0 };
	rt->listeners =
		calloc(config->n_listeners ? config->n_listeners : 1, sizeof(*rt->listeners));
	if (!rt->listeners) {
		snprintf(error, error_len, "memory is short");
		return -ENOMEM;
	}
	mime = load_mime(config);
	for (unsigned i = 0; i < config->n_listeners; i++) {
		const struct config_listener *cl = &config->listeners[i];
		char why[320];
		struct listener *l = build_listener(cl, find_former(former, cl->name), tickets,
						    mime, why, sizeof(why));

		if (!l) {
			snprintf(error, error_len, "listener %s: %s", cl->name, why);
			mime_unref(mime);
			runtime_fini(rt);
			return -EINVAL;
		}
		rt->listeners[rt->n_listeners++] = l;
	}
	mime_unref(mime); /* the listeners have theirs */
	return 0;
}

void runtime_fini(struct runtime *rt)
{
	for (unsigned i = 0; i < rt->n_listeners; i++)
		listener_unref(rt->listeners[i]);
	free(rt->listeners);
	*rt = (struct runtime){ 0 };
}
