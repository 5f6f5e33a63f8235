/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the observer is, and what its programs have counted. */
#include "host/metrics.h"

#include <string.h>
#include <time.h>

#include "base/util.h"
#include "host/metrics_part.h"
#include "host/report.h"
#include "host/service.h"
#include "host/socket_tally.h"
#include "host/stats.h"

#define NS_PER_S 1e9

/* ---- health ---- */

static void write_walks(struct metrics_part *p)
{
	const struct observer *o = &p->service->observer;

	exposition_put_int(p->out, METRIC_OBSERVER_WALKS, LABELS("ok"), o->n_walks - o->n_failed);
	exposition_put_int(p->out, METRIC_OBSERVER_WALKS, LABELS("failed"), o->n_failed);
	if (!o->last.taken_ns)
		return;
	exposition_put_int(p->out, METRIC_OBSERVER_SOCKETS, NULL, o->last.n);
	exposition_put(p->out, METRIC_OBSERVER_WALK_DURATION, NULL,
		       (double)o->last.took_ns / NS_PER_S);
	exposition_put(p->out, METRIC_OBSERVER_AGE, NULL,
		       (double)(now_ns() - o->last.taken_ns) / NS_PER_S);
	exposition_put_int(p->out, METRIC_OBSERVER_STALE, NULL, p->in->is_stale);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * MS_PER_S * NS_PER_MS + (uint64_t)ts.tv_nsec;
}

/* Whole seconds, so that it stays the same. */
static uint64_t start_time(const struct programs_state *state)
{
	uint64_t boot = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);

	return (boot + state->since_ns) / (MS_PER_S * NS_PER_MS);
}

/* Gives how many have failed. */
static unsigned write_programs(struct metrics_part *p, const struct programs_state *state)
{
	unsigned attached = 0, failed = 0;

	for (uint32_t i = 0; i < state->n; i++) {
		attached += state->programs[i].attached;
		failed += state->programs[i].error != 0;
	}
	exposition_put_int(p->out, METRIC_OBSERVER_PROGRAMS, LABELS("attached"), attached);
	exposition_put_int(p->out, METRIC_OBSERVER_PROGRAMS, LABELS("failed"), failed);
	exposition_put_int(p->out, METRIC_OBSERVER_PROGRAMS, LABELS("waiting"),
			   state->n - attached - failed);
	exposition_put_int(p->out, METRIC_OBSERVER_START, NULL, start_time(state));
	return failed;
}

static void write_losses(struct metrics_part *p, const struct walk *w)
{
	static const char *const names[KTLS_N_OBSERVER] = {
		[KTLS_OBSERVER_EVENTS_LOST] = "events",
		[KTLS_OBSERVER_HISTORY_FULL] = "sockets",
		[KTLS_OBSERVER_TOTALS_FULL] = "totals",
	};

	for (unsigned i = 0; i < KTLS_N_OBSERVER; i++)
		exposition_put_int(p->out, METRIC_OBSERVER_LOST, LABELS(names[i]),
				   stats_count_observer(w, i));
}

/* ---- totals ---- */

enum { N_TOTAL_DIRECTIONS = KTLS_N_DIRECTIONS + 1 }; /* and none */

struct event_counts {
	uint64_t n[N_TOTAL_DIRECTIONS][TALLY_N_MODES][TALLY_N_VERSIONS][TALLY_N_CIPHERS][2];
};

static int mode_slot(const struct ktls_total_key *k)
{
	if (k->direction >= KTLS_N_DIRECTIONS || k->conf == KTLS_CONF_BASE)
		return TALLY_NONE;
	return k->conf == KTLS_CONF_SW ? TALLY_KERNEL : TALLY_DEVICE;
}

static void count_event(struct event_counts *counts, const struct walk *w, unsigned event)
{
	memset(counts, 0, sizeof(*counts));
	for (size_t i = 0; i < w->n_totals; i++) {
		const struct ktls_total_key *k = &w->totals[i].key;
		unsigned d = MIN_OF(k->direction, (unsigned)KTLS_N_DIRECTIONS);

		if (k->event == event)
			counts->n[d][mode_slot(k)][socket_tally_version_slot(k->version)]
				 [socket_tally_cipher_slot(k->cipher)][!!k->ok] +=
				w->totals[i].count;
	}
}

static void put_event(struct metrics_part *p, unsigned event, int d, int mode, int version,
		      int cipher, const uint64_t by_ok[static 2])
{
	static const char *const modes[TALLY_N_MODES] = { "none", "kernel", "device" };
	const char *direction = report_direction_name((unsigned)d);

	for (int ok = 0; ok < 2; ok++)
		if (by_ok[ok])
			exposition_put_int(
				p->out, METRIC_KERNEL_EVENTS,
				LABELS(report_event_name(event), direction ? direction : "none",
				       modes[mode], socket_tally_version(version),
				       socket_tally_cipher(cipher), ok ? "ok" : "failed"),
				by_ok[ok]);
}

/* Only what has happened: nobody can know what would. */
static void write_events(struct metrics_part *p, const struct walk *w)
{
	struct event_counts counts;

	for (unsigned event = 0; event < KTLS_N_EVENTS; event++) {
		count_event(&counts, w, event);
		for (int d = 0; d < N_TOTAL_DIRECTIONS; d++)
			for (int m = 0; m < TALLY_N_MODES; m++)
				for (int v = 0; v < TALLY_N_VERSIONS; v++)
					for (int c = 0; c < TALLY_N_CIPHERS; c++)
						put_event(p, event, d, m, v, c,
							  counts.n[d][m][v][c]);
	}
}

static void write_records(struct metrics_part *p, bool all_are_counted)
{
	const struct observer *o = &p->service->observer;

	for (int d = 0; d < N_DIRECTIONS; d++) {
		const char *direction = direction_name((enum direction)d);

		exposition_put_int(p->out, METRIC_RECORDS, LABELS(direction, "user"),
				   count_get(&p->sum->records[d]));
		if (!all_are_counted)
			continue;
		exposition_put_int(p->out, METRIC_RECORDS, LABELS(direction, "kernel"),
				   o->records[d][0]);
		exposition_put_int(p->out, METRIC_RECORDS, LABELS(direction, "device"),
				   o->records[d][1]);
	}
}

void metrics_write_observer(struct metrics_part *p)
{
	const struct observer *o = &p->service->observer;
	bool is_loaded = o->programs.stage == PROGRAMS_LOADED && p->up[SOURCE_OBSERVER];
	unsigned failed = 0;

	p->up[SOURCE_PROGRAMS] = is_loaded;
	write_walks(p);
	if (is_loaded) {
		failed = write_programs(p, &o->programs);
		write_losses(p, &o->last);
		write_events(p, &o->last);
	}
	/* Without a program some sockets would close uncounted, and so without a row. */
	write_records(p, is_loaded && !failed &&
				 !stats_count_observer(&o->last, KTLS_OBSERVER_TOTALS_FULL));
}
