/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads three pins. */
#include "bpf/walk.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "bpf/observe.h"
#include "bpf/rows.h"
#include "bpf/snapshot.h"

enum { MAX_TOTALS = 1 << 16 };

static int take_total(const struct ktls_total *t, void *arg)
{
	struct walk *w = arg;
	size_t n = w->n_totals;

	/* room for the next power of two */
	if (!(n & (n - 1))) {
		struct ktls_total *grown =
			n < MAX_TOTALS ? reallocarray(w->totals, n ? 2 * n : 1, sizeof(*grown)) :
					 NULL;

		if (!grown)
			return -ENOMEM;
		w->totals = grown;
	}
	w->totals[w->n_totals++] = *t;
	return 0;
}

static int take_socket(const struct ktls_socket *s, void *arg)
{
	return rows_add(arg, s);
}

/* Each process that has it open tells of it. */
static int take_foreign(const struct ktls_socket *s, void *arg)
{
	return rows_add_once(arg, s);
}

static int take_holder(const struct ktls_holder *holder, void *arg)
{
	rows_hold(arg, holder);
	return 0;
}

static const char *path_of(char path[static PATH_MAX], const char *dir, const char *pin)
{
	snprintf(path, PATH_MAX, "%s/%s", dir, pin);
	return path;
}

void walk_run(struct walk *w, const char *dir, bool everywhere)
{
	uint64_t begin_ns = now_ns();
	struct rows rows = { 0 };
	char path[PATH_MAX];

	*w = (struct walk){ .err = 0 };
	/* Half of them would be wrong, none says that they are not known. */
	if (snapshot_read_totals(path_of(path, dir, OBSERVE_ITER_TOTALS), take_total, w))
		w->n_totals = 0;
	w->err = snapshot_read(path_of(path, dir, OBSERVE_ITER_TCP), take_socket, &rows);
	if (everywhere && !w->err)
		w->everywhere = !snapshot_read_tasks(path_of(path, dir, OBSERVE_ITER_TASKS),
						     take_foreign, take_holder, &rows);
	w->sockets = rows_take(&rows, &w->n);
	w->taken_ns = now_ns();
	w->took_ns = w->taken_ns - begin_ns;
}

void walk_fini(struct walk *w)
{
	free(w->sockets);
	free(w->totals);
	*w = (struct walk){ .err = 0 };
}

static int by_cookie(const void *key, const void *element)
{
	const uint64_t *cookie = key;
	const struct ktls_socket *s = element;

	return *cookie < s->cookie ? -1 : *cookie > s->cookie;
}

const struct ktls_socket *walk_find(const struct walk *w, uint64_t cookie)
{
	return w->n ? bsearch(&cookie, w->sockets, w->n, sizeof(*w->sockets), by_cookie) : NULL;
}
