/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Joins what we know with what the kernel says. */
#include "host/listing.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bpf/report.h"
#include "host/report.h"
#include "host/service.h"

struct listing {
	struct conn_info
		*infos; /* sorted by cookie; all alive when the snapshot was taken or later */
	size_t n_infos, next_info;
	struct ktls_socket *sockets; /* a copy: the observer may walk again meanwhile */
	size_t n_sockets, next_socket;
	struct report_reader reader;
	bool all;
};

static int by_cookie(const void *a, const void *b)
{
	const struct conn_info *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

static int socket_by_cookie(const void *key, const void *element)
{
	const uint64_t *cookie = key;
	const struct ktls_socket *s = element;

	return *cookie < s->cookie ? -1 : *cookie > s->cookie;
}

static bool add_worker(struct listing *l, struct worker *w)
{
	size_t n;
	_cleanup_free_ struct conn_info *infos = worker_describe(w, &n);
	struct conn_info *grown;

	if (!n)
		return true;
	grown = realloc(l->infos, (l->n_infos + n) * sizeof(*grown));
	if (!grown)
		return false;
	memcpy(grown + l->n_infos, infos, n * sizeof(*grown));
	l->infos = grown;
	l->n_infos += n;
	return true;
}

static bool copy_sockets(struct listing *l, const struct observer *o)
{
	if (!o->last.n)
		return true;
	l->sockets = malloc(o->last.n * sizeof(*l->sockets));
	if (!l->sockets)
		return false;
	memcpy(l->sockets, o->last.sockets, o->last.n * sizeof(*l->sockets));
	l->n_sockets = o->last.n;
	return true;
}

struct listing *listing_new(struct service *s, bool all)
{
	struct listing *l = calloc(1, sizeof(*l));
	bool ok = true;

	if (!l)
		return NULL;
	for (unsigned i = 0; ok && i < s->n_workers; i++)
		ok = add_worker(l, &s->workers[i]);
	if (!ok || !copy_sockets(l, &s->observer)) {
		listing_free(l);
		return NULL;
	}
	l->all = all;
	report_reader_init(&l->reader);
	if (l->n_infos)
		qsort(l->infos, l->n_infos, sizeof(*l->infos), by_cookie);
	return l;
}

void listing_free(struct listing *l)
{
	if (!l)
		return;
	free(l->infos);
	free(l->sockets);
	free(l);
}

static const struct ktls_socket *find_socket(const struct listing *l, uint64_t cookie)
{
	return l->n_sockets ? bsearch(&cookie, l->sockets, l->n_sockets, sizeof(*l->sockets),
				      socket_by_cookie) :
			      NULL;
}

static bool is_ours(const struct listing *l, uint64_t cookie)
{
	struct conn_info key = { .cookie = cookie };

	return l->n_infos && bsearch(&key, l->infos, l->n_infos, sizeof(key), by_cookie);
}

struct json *listing_next(struct listing *l)
{
	if (l->next_info < l->n_infos) {
		const struct conn_info *info = &l->infos[l->next_info++];

		return report_connection(info, find_socket(l, info->cookie), &l->reader);
	}
	while (l->all && l->next_socket < l->n_sockets) {
		const struct ktls_socket *s = &l->sockets[l->next_socket++];

		if (!is_ours(l, s->cookie))
			return report_socket(s, &l->reader);
	}
	l->next_socket = l->n_sockets;
	return NULL;
}

bool listing_is_done(const struct listing *l)
{
	return l->next_info == l->n_infos && (!l->all || l->next_socket == l->n_sockets);
}

struct json *listing_find(struct service *s, uint64_t cookie)
{
	const struct ktls_socket *seen = observer_find(&s->observer, cookie);
	struct report_reader reader;
	struct conn_info info;

	report_reader_init(&reader);
	for (unsigned i = 0; i < s->n_workers; i++)
		if (worker_find(&s->workers[i], cookie, &info))
			return report_connection(&info, seen, &reader);
	return seen ? report_socket(seen, &reader) : NULL;
}
