/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts them in the worker's thread, hands the result to who asked. */
#include "serve/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "serve/conn.h"
#include "serve/worker.h"

/* What a caller that waits has asked. */
struct call {
	struct worker *worker;
	struct conn_info *infos;
	size_t n_infos;
	uint64_t cookie, *cookies;
};

static bool describe_one(struct conn *c, void *arg)
{
	struct call *m = arg;

	conn_describe(c, &m->infos[m->n_infos++]);
	return true;
}

static void describe(void *arg)
{
	struct call *m = arg;
	struct worker *w = m->worker;
	size_t n = count_get(&w->counters.value[COUNTER_OPEN]);

	m->infos = n ? calloc(n, sizeof(*m->infos)) : NULL;
	if (m->infos)
		worker_for_each(w, describe_one, m);
}

struct conn_info *roster_describe(struct worker *w, size_t *n)
{
	struct call m = { .worker = w };

	loop_call(&w->loop, describe, &m);
	*n = m.n_infos;
	return m.infos;
}

static void copy_ended(void *arg)
{
	struct call *m = arg;

	m->n_infos = MIN_OF(m->worker->n_ended, (uint64_t)WORKER_ENDED);
	memcpy(m->cookies, m->worker->ended, m->n_infos * sizeof(*m->cookies));
}

size_t roster_ended(struct worker *w, uint64_t cookies[static WORKER_ENDED])
{
	struct call m = { .worker = w, .cookies = cookies };

	loop_call(&w->loop, copy_ended, &m);
	return m.n_infos;
}

static bool tag_one(struct conn *c, void *arg)
{
	struct roster_question *q = arg;

	q->tags[q->n++] = (struct roster_tag){ .cookie = c->cookie, .state = c->state };
	return true;
}

static void close_question(struct task *t)
{
	struct roster_question *q = container_of(t, struct roster_question, task);

	q->is_open = false;
	q->answered(q);
}

static void answer_question(struct task *t)
{
	struct roster_question *q = container_of(t, struct roster_question, task);
	const struct worker *w = q->worker;
	size_t n = count_get(&w->counters.value[COUNTER_OPEN]);
	size_t n_ended = (size_t)MIN_OF(w->n_ended, (uint64_t)WORKER_ENDED);

	q->waited_ns = now_ns() - q->asked_ns;
	q->tags = malloc((n + n_ended + 1) * sizeof(*q->tags));
	q->failed = !q->tags;
	if (q->tags) {
		worker_for_each(q->worker, tag_one, q);
		for (size_t i = 0; i < n_ended; i++)
			q->tags[q->n++] =
				(struct roster_tag){ .cookie = w->ended[i], .state = CONN_CLOSED };
	}
	q->task.run = close_question;
	loop_post(q->back, &q->task);
}

void roster_ask(struct roster_question *q)
{
	free(q->tags);
	q->tags = NULL;
	q->n = 0;
	q->is_open = true;
	q->asked_ns = now_ns();
	q->task.run = answer_question;
	loop_post(&q->worker->loop, &q->task);
}

static bool find_one(struct conn *c, void *arg)
{
	struct call *m = arg;

	if (c->cookie != m->cookie)
		return true;
	conn_describe(c, m->infos);
	m->n_infos = 1;
	return false;
}

static void find(void *arg)
{
	struct call *m = arg;

	worker_for_each(m->worker, find_one, m);
}

bool roster_find(struct worker *w, uint64_t cookie, struct conn_info *info)
{
	struct call m = { .worker = w, .cookie = cookie, .infos = info };

	loop_call(&w->loop, find, &m);
	return m.n_infos;
}
