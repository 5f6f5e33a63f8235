/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a listener's shared part. */
#include "serve/listener.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "serve/mime.h"
#include "tls/handshake.h"

static struct listener_totals *totals_ref(const struct listener *former)
{
	struct listener_totals *t = former ? former->totals : calloc(1, sizeof(*t));

	if (t)
		atomic_fetch_add(&t->refs, 1);
	return t;
}

static void totals_unref(struct listener_totals *t)
{
	if (t && atomic_fetch_sub(&t->refs, 1) == 1)
		free(t);
}

struct listener *listener_new(const char *name, const char *address, const char *backend,
			      const struct listener *former)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->refs = 1;
	l->files.root.fd = -1;
	l->name = strdup(name);
	l->address = strdup(address);
	l->backend_text = strdup(backend);
	l->totals = totals_ref(former);
	if (l->name && l->address && l->backend_text && l->totals)
		return l;
	listener_unref(l);
	return NULL;
}

struct listener *listener_ref(struct listener *l)
{
	atomic_fetch_add(&l->refs, 1);
	return l;
}

void listener_unref(struct listener *l)
{
	if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
		return;
	handshake_offer_unref(l->offer);
	totals_unref(l->totals);
	fd_close(&l->files.root.fd);
	mime_unref(l->files.root.mime);
	free(l->files.root.index);
	free(l->name);
	free(l->address);
	free(l->backend_text);
	free(l);
}
