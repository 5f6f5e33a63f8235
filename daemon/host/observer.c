/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks in a job, keeps the last result. */
#include "host/observer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/util.h"
#include "host/jobs.h"
#include "host/stats.h"

struct walk_job {
	struct job job;
	struct observer *observer;
	bool everywhere;
	struct walk walk;
};

static void work(struct job *j)
{
	struct walk_job *w = container_of(j, struct walk_job, job);

	walk_run(&w->walk, w->observer->dir, w->everywhere);
}

static void wake(struct observer *o, struct observer_wait *w)
{
	DL_DELETE(o->waiting, w);
	w->ready(w);
}

static int start(struct observer *o, bool everywhere);

static void keep(struct observer *o, struct walk *w)
{
	o->err = w->err;
	if (w->err) {
		o->n_failed++;
		walk_fini(w);
		return;
	}
	walk_fini(&o->last);
	o->last = *w;
	for (unsigned direction = 0; direction < KTLS_N_DIRECTIONS; direction++)
		for (int device = 0; device < 2; device++) {
			uint64_t *highest = &o->records[direction][device];
			uint64_t now = stats_records(&o->last, direction, device);

			/* one that closed during the walk is missing until the next */
			*highest = now > *highest ? now : *highest;
		}
}

/* The first of those whom the walk that has just ended serves. */
static struct observer_wait *find_served(const struct observer *o, bool everywhere)
{
	struct observer_wait *w;

	DL_FOREACH(o->waiting, w)
	if (w->n_walks < o->n_walks && (everywhere || !w->everywhere))
		return w;
	return NULL;
}

static void done(struct job *j)
{
	struct walk_job *w = container_of(j, struct walk_job, job);
	struct observer *o = w->observer;
	bool everywhere = w->everywhere;
	struct observer_wait *served;

	o->walking = false;
	o->n_walks++;
	keep(o, &w->walk);
	free(w);
	while ((served = find_served(o, everywhere)))
		wake(o, served);
	/* Some want more than this walk, some have come meanwhile. */
	if (o->waiting && !o->walking)
		start(o, true);
}

static int start(struct observer *o, bool everywhere)
{
	struct walk_job *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->observer = o;
	w->everywhere = everywhere;
	w->job.work = work;
	w->job.done = done;
	err = job_start(&w->job, o->loop);
	if (err)
		free(w);
	else
		o->walking = true;
	return err;
}

int observer_init(struct observer *o, struct loop *loop, const char *dir)
{
	*o = (struct observer){ .loop = loop, .dir = strdup(dir) };
	return o->dir ? 0 : -ENOMEM;
}

void observer_fini(struct observer *o)
{
	free(o->dir);
	walk_fini(&o->last);
}

void observer_set_programs(struct observer *o, const struct programs_state *state)
{
	/* Programs of another load count from 0. */
	if (state->since_ns != o->programs.since_ns)
		memset(o->records, 0, sizeof(o->records));
	o->programs = *state;
	if (state->stage == PROGRAMS_UNLOADED)
		walk_fini(&o->last);
}

void observer_refresh(struct observer *o, struct observer_wait *w)
{
	int err = o->walking ? 0 : start(o, w->everywhere);

	if (err)
		o->err = err;
	w->n_walks = o->n_walks;
	w->due_ns = now_ns() + (err ? 0 : OBSERVER_DEADLINE_MS * NS_PER_MS);
	DL_APPEND(o->waiting, w);
}

void observer_cancel(struct observer *o, struct observer_wait *w)
{
	DL_DELETE(o->waiting, w);
}

uint64_t observer_next_deadline(const struct observer *o)
{
	return o->waiting ? o->waiting->due_ns : UINT64_MAX;
}

void observer_expire(struct observer *o, uint64_t now)
{
	while (o->waiting && o->waiting->due_ns <= now)
		wake(o, o->waiting);
}

/* In words, why nothing can be read. */
static const char *explain(const struct observer *o)
{
	switch (o->programs.stage) {
	case PROGRAMS_LOADING:
		return "the kernel programs are being loaded";
	case PROGRAMS_UNLOADED:
		return "the kernel programs were unloaded, until ktlsd starts again";
	case PROGRAMS_FAILED:
		return o->programs.text;
	default:
		return o->err ? strerror(-o->err) : "the first walk is under way";
	}
}

bool observer_is_available(const struct observer *o, const char **reason, const char **detail)
{
	if (!o->err && o->last.taken_ns)
		return true;
	*detail = explain(o);
	if (o->programs.stage != PROGRAMS_LOADED) {
		*reason = o->programs.stage == PROGRAMS_LOADING ? "observer-loading" :
								  "observer-not-loaded";
		return false;
	}
	switch (o->err) {
	case -ENOENT:
		*reason = "observer-not-loaded";
		break;
	case -EACCES:
		*reason = "observer-no-access";
		break;
	case -EPROTO:
		*reason = "observer-other-release";
		break;
	default:
		*reason = o->last.taken_ns || o->err ? "observer-failed" : "observer-not-read";
	}
	return false;
}
