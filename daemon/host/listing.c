/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Joins what we know with what the kernel says. */
#include "host/listing.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bpf/report.h"
#include "host/report.h"
#include "host/service.h"
#include "serve/roster.h"

struct listing {
	struct conn_info *infos; /* sorted by cookie */
	size_t n_infos, next_info;
	struct ktls_socket *sockets; /* a copy: the observer may walk again meanwhile */
	size_t n_sockets, next_socket;
	/* Which of them were ours and have ended since: they are nobody's. */
	bool *ended;
	struct report_reader reader;
	enum listing_scope scope;
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

static const struct ktls_socket *find_socket(const struct listing *l, uint64_t cookie)
{
	return l->n_sockets ? bsearch(&cookie, l->sockets, l->n_sockets, sizeof(*l->sockets),
				      socket_by_cookie) :
			      NULL;
}

static bool add_infos(struct listing *l, struct worker *w)
{
	size_t n;
	_cleanup_free_ struct conn_info *infos = roster_describe(w, &n);
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

static void mark_ended(struct listing *l, struct worker *w, uint64_t cookies[static WORKER_ENDED])
{
	size_t n = roster_ended(w, cookies);

	for (size_t i = 0; i < n; i++) {
		const struct ktls_socket *s = find_socket(l, cookies[i]);

		if (s)
			l->ended[s - l->sockets] = true;
	}
}

static bool copy_sockets(struct listing *l, const struct walk *walk)
{
	if (!walk->n)
		return true;
	l->sockets = malloc(walk->n * sizeof(*l->sockets));
	l->ended = calloc(walk->n, sizeof(*l->ended));
	if (!l->sockets || !l->ended)
		return false;
	memcpy(l->sockets, walk->sockets, walk->n * sizeof(*l->sockets));
	l->n_sockets = walk->n;
	return true;
}

/* The walk is of the past: a socket in it that is not ours now may have been so then. */
static bool fill(struct listing *l, struct service *s)
{
	_cleanup_free_ uint64_t *cookies = malloc(WORKER_ENDED * sizeof(*cookies));

	if (!cookies || !copy_sockets(l, &s->observer.last))
		return false;
	for (unsigned i = 0; i < s->n_workers; i++)
		if (!add_infos(l, &s->workers[i]))
			return false;
	for (unsigned i = 0; l->n_sockets && i < s->n_workers; i++)
		mark_ended(l, &s->workers[i], cookies);
	if (l->n_infos)
		qsort(l->infos, l->n_infos, sizeof(*l->infos), by_cookie);
	return true;
}

struct listing *listing_new(struct service *s, enum listing_scope scope)
{
	struct listing *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	if (!fill(l, s)) {
		listing_free(l);
		return NULL;
	}
	l->scope = scope;
	report_reader_init(&l->reader);
	return l;
}

void listing_free(struct listing *l)
{
	if (!l)
		return;
	free(l->infos);
	free(l->sockets);
	free(l->ended);
	free(l);
}

static bool is_ours(const struct listing *l, uint64_t cookie)
{
	struct conn_info key = { .cookie = cookie };

	return l->n_infos && bsearch(&key, l->infos, l->n_infos, sizeof(key), by_cookie);
}

static bool is_wanted(const struct listing *l, const struct ktls_socket *s)
{
	if (l->scope != LISTING_EVERYWHERE && l->reader.netns && s->netns != l->reader.netns)
		return false;
	return !l->ended[s - l->sockets] && !is_ours(l, s->cookie);
}

bool listing_next(struct listing *l, struct listing_row *row)
{
	if (l->next_info < l->n_infos) {
		row->ours = &l->infos[l->next_info++];
		row->seen = find_socket(l, row->ours->cookie);
		return true;
	}
	row->ours = NULL;
	while (l->scope != LISTING_OWN && l->next_socket < l->n_sockets) {
		row->seen = &l->sockets[l->next_socket++];
		if (is_wanted(l, row->seen))
			return true;
	}
	l->next_socket = l->n_sockets;
	return false;
}

bool listing_is_done(const struct listing *l)
{
	return l->next_info == l->n_infos &&
	       (l->scope == LISTING_OWN || l->next_socket == l->n_sockets);
}

struct json *listing_report_next(struct listing *l)
{
	struct listing_row row;

	if (!listing_next(l, &row))
		return NULL;
	return row.ours ? report_connection(row.ours, row.seen, &l->reader) :
			  report_socket(row.seen, &l->reader);
}

static bool has_ended(struct service *s, uint64_t cookie)
{
	_cleanup_free_ uint64_t *cookies = malloc(WORKER_ENDED * sizeof(*cookies));

	for (unsigned w = 0; cookies && w < s->n_workers; w++) {
		size_t n = roster_ended(&s->workers[w], cookies);

		for (size_t i = 0; i < n; i++)
			if (cookies[i] == cookie)
				return true;
	}
	return false;
}

struct json *listing_find(struct service *s, uint64_t cookie)
{
	const struct ktls_socket *seen = walk_find(&s->observer.last, cookie);
	struct report_reader reader;
	struct conn_info info;

	report_reader_init(&reader);
	for (unsigned i = 0; i < s->n_workers; i++)
		if (roster_find(&s->workers[i], cookie, &info))
			return report_connection(&info, seen, &reader);
	return seen && !has_ended(s, cookie) ? report_socket(seen, &reader) : NULL;
}
