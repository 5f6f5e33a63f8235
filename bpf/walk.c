/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads three pins and joins what two of them say. */
#include "bpf/walk.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bpf/observe.h"
#include "bpf/report.h"
#include "bpf/snapshot.h"

enum { MAX_ROWS = 1 << 20 };

/* A row more for an array of n, which has room for the next power of two. NULL: no memory. */
static void *grow(void *array, size_t n, size_t size)
{
	if (n >= MAX_ROWS)
		return NULL;
	return n && (n & (n - 1)) ? array : realloc(array, (n ? 2 * n : 1) * size);
}

static int take_socket(const struct ktls_socket *s, void *arg)
{
	struct walk *w = arg;
	struct ktls_socket *grown = grow(w->sockets, w->n, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	w->sockets = grown;
	w->sockets[w->n++] = *s;
	return 0;
}

static int take_total(const struct ktls_total *t, void *arg)
{
	struct walk *w = arg;
	struct ktls_total *grown = grow(w->totals, w->n_totals, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	w->totals = grown;
	w->totals[w->n_totals++] = *t;
	return 0;
}

static int by_cookie(const void *a, const void *b)
{
	const struct ktls_socket *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

/* Of equal inodes the holder with the lowest number comes first. */
static int by_inode(const void *a, const void *b)
{
	const struct ktls_socket *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->holder_pid < y->holder_pid ? -1 : x->holder_pid > y->holder_pid;
}

static void sort(struct ktls_socket *sockets, size_t n, int (*order)(const void *a, const void *b))
{
	if (n)
		qsort(sockets, n, sizeof(*sockets), order);
}

static struct ktls_socket *find_inode(struct ktls_socket *sockets, size_t n, uint64_t inode)
{
	size_t low = 0;

	while (n > 0) {
		size_t half = n / 2;

		if (sockets[low + half].inode < inode) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return &sockets[low];
}

size_t walk_join(struct ktls_socket *sockets, size_t n_own, size_t n, uint32_t netns)
{
	struct ktls_socket *held = sockets + n_own;
	size_t n_kept = n_own;

	sort(sockets, n_own, by_inode);
	sort(held, n - n_own, by_inode);
	for (size_t i = 0; i < n - n_own; i++) {
		struct ktls_socket *own;

		if (i && held[i].inode == held[i - 1].inode)
			continue;
		if (held[i].netns != netns) {
			sockets[n_kept++] = held[i];
			continue;
		}
		own = find_inode(sockets, n_own, held[i].inode);
		if (own == held || own->inode != held[i].inode)
			continue;
		own->holder_pid = held[i].holder_pid;
		memcpy(own->holder_comm, held[i].holder_comm, sizeof(own->holder_comm));
	}
	return n_kept;
}

/* 0 or -errno of one pin of the directory. */
static int read_sockets(struct walk *w, const char *dir, const char *pin)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, pin);
	return snapshot_read(path, take_socket, w);
}

static void read_totals(struct walk *w, const char *dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, OBSERVE_ITER_TOTALS);
	/* Half of them would be wrong, none says that they are not known. */
	if (snapshot_read_totals(path, take_total, w))
		w->n_totals = 0;
}

/* Rows that were joined into others leave their room. */
static void shrink(struct walk *w)
{
	struct ktls_socket *kept = w->n ? realloc(w->sockets, w->n * sizeof(*kept)) : NULL;

	if (kept)
		w->sockets = kept;
}

void walk_run(struct walk *w, const char *dir, bool everywhere)
{
	struct report_reader reader;
	uint64_t begin_ns = now_ns();
	size_t n_own;

	*w = (struct walk){ .err = 0 };
	report_reader_init(&reader);
	read_totals(w, dir);
	w->err = read_sockets(w, dir, OBSERVE_ITER_TCP);
	n_own = w->n;
	if (everywhere && !w->err) {
		w->everywhere = !read_sockets(w, dir, OBSERVE_ITER_TASKS);
		w->n = walk_join(w->sockets, n_own, w->n, reader.netns);
		shrink(w);
	}
	sort(w->sockets, w->n, by_cookie);
	w->taken_ns = now_ns();
	w->took_ns = w->taken_ns - begin_ns;
}

void walk_fini(struct walk *w)
{
	free(w->sockets);
	free(w->totals);
	*w = (struct walk){ .err = 0 };
}

const struct ktls_socket *walk_find(const struct walk *w, uint64_t cookie)
{
	struct ktls_socket key = { .cookie = cookie };

	return w->n ? bsearch(&key, w->sockets, w->n, sizeof(key), by_cookie) : NULL;
}
