/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks, waits, puts the answers together. */
#include "host/scrape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "host/metrics.h"
#include "host/service.h"

static int by_cookie(const void *a, const void *b)
{
	const struct roster_tag *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

static bool all_have_answered(const struct scrape *s)
{
	if (s->waits_for_observer || s->devices.is_open)
		return false;
	for (unsigned i = 0; i < s->service->n_workers; i++)
		if (s->questions[i].is_open)
			return false;
	return true;
}

/* All workers' tags in one array; false when one has not answered, or memory is short. */
static bool collect(struct scrape *s)
{
	size_t n = 0, used = 0;

	for (unsigned i = 0; i < s->service->n_workers; i++) {
		const struct roster_question *q = &s->questions[i];

		if (q->is_open || q->failed)
			return false;
		n += q->n;
	}
	s->tags = n ? malloc(n * sizeof(*s->tags)) : NULL;
	if (n && !s->tags)
		return false;
	for (unsigned i = 0; i < s->service->n_workers; i++) {
		const struct roster_question *q = &s->questions[i];

		if (q->n)
			memcpy(s->tags + used, q->tags, q->n * sizeof(*s->tags));
		used += q->n;
		s->lag_ns = q->waited_ns > s->lag_ns ? q->waited_ns : s->lag_ns;
	}
	s->n_tags = n;
	if (n)
		qsort(s->tags, n, sizeof(*s->tags), by_cookie);
	return true;
}

static void free_answers(struct scrape *s)
{
	for (unsigned i = 0; i < s->service->n_workers; i++)
		if (!s->questions[i].is_open) {
			free(s->questions[i].tags);
			s->questions[i].tags = NULL;
		}
}

static void finish(struct scrape *s)
{
	const struct observer *o = &s->service->observer;

	if (s->waits_for_observer)
		observer_cancel(&s->service->observer, &s->wait);
	s->waits_for_observer = false;
	s->running = false;
	s->has_tags = collect(s);
	free_answers(s);
	s->is_stale = o->last.taken_ns && o->last.taken_ns < s->started_ns;
	s->n++;
	s->duration_ns = now_ns() - s->started_ns;
	s->done(s);
}

static void finish_if_complete(struct scrape *s)
{
	if (s->running && all_have_answered(s))
		finish(s);
}

static void answered(struct roster_question *q)
{
	struct scrape *s = q->arg;

	finish_if_complete(s);
}

/* ---- devices ---- */

static bool can_do_tls(const struct netlink_device *d)
{
	return d->has_features &&
	       (d->tls_tx.supported || d->tls_tx.active || d->tls_rx.supported || d->tls_rx.active);
}

static int take_device(const struct netlink_device *d, void *arg)
{
	struct scrape_devices *devices = arg;

	if (can_do_tls(d) && devices->n < SCRAPE_MAX_DEVICES)
		devices->devices[devices->n++] = *d;
	return 0;
}

static void look_for_devices(struct job *j)
{
	struct scrape_devices *devices = container_of(j, struct scrape_devices, job);

	devices->n = 0;
	devices->err = netlink_list_devices(take_device, devices);
}

static void devices_found(struct job *j)
{
	struct scrape_devices *devices = container_of(j, struct scrape_devices, job);

	devices->is_open = false;
	finish_if_complete(devices->scrape);
}

static void ask_for_devices(struct scrape *s)
{
	struct scrape_devices *d = &s->devices;

	if (d->is_open) /* since the last time */
		return;
	d->scrape = s;
	d->job.work = look_for_devices;
	d->job.done = devices_found;
	d->err = job_start(&d->job, &s->service->loop);
	d->is_open = !d->err;
}

/* ---- the rest ---- */

/* Only now, when the walk is over: they know those that were accepted meanwhile too. */
static void observed(struct observer_wait *w)
{
	struct scrape *s = container_of(w, struct scrape, wait);

	s->waits_for_observer = false;
	for (unsigned i = 0; i < s->service->n_workers; i++)
		if (!s->questions[i].is_open) /* one that is has not answered the last time */
			roster_ask(&s->questions[i]);
}

int scrape_init(struct scrape *s, struct service *service, void (*done)(struct scrape *s))
{
	*s = (struct scrape){ .service = service, .done = done };
	s->questions = calloc(service->n_workers, sizeof(*s->questions));
	if (!s->questions)
		return -ENOMEM;
	for (unsigned i = 0; i < service->n_workers; i++)
		s->questions[i] = (struct roster_question){ .worker = &service->workers[i],
							    .back = &service->loop,
							    .answered = answered,
							    .arg = s };
	return 0;
}

void scrape_fini(struct scrape *s)
{
	if (!s->questions)
		return;
	if (s->waits_for_observer)
		observer_cancel(&s->service->observer, &s->wait);
	for (unsigned i = 0; i < s->service->n_workers; i++)
		free(s->questions[i].tags);
	free(s->questions);
	free(s->tags);
}

void scrape_begin(struct scrape *s)
{
	if (s->running)
		return;
	free(s->tags);
	s->tags = NULL;
	s->n_tags = 0;
	s->lag_ns = 0;
	s->running = true;
	s->started_ns = now_ns();
	ask_for_devices(s);
	s->wait.ready = observed;
	s->wait.everywhere = true;
	s->waits_for_observer = true;
	observer_refresh(&s->service->observer, &s->wait);
}

uint64_t scrape_next_deadline(const struct scrape *s)
{
	return s->running ? s->started_ns + SCRAPE_DEADLINE_MS * NS_PER_MS : UINT64_MAX;
}

void scrape_expire(struct scrape *s, uint64_t now)
{
	if (scrape_next_deadline(s) <= now)
		finish(s);
}

void scrape_write(const struct scrape *s, struct exposition *x, const uint64_t *responses)
{
	metrics_write(x, s->service,
		      &(struct metrics_input){ .tags = s->tags,
					       .n_tags = s->n_tags,
					       .has_tags = s->has_tags,
					       .is_stale = s->is_stale,
					       .lag_ns = s->lag_ns,
					       .devices = s->devices.devices,
					       .n_devices = s->devices.n,
					       .has_devices = !s->devices.is_open &&
							      !s->devices.err,
					       .scrapes = s->n,
					       .last_scrape_ns = s->duration_ns,
					       .responses = responses });
}
