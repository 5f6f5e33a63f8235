/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds it, from what report.h knows. */
#include "host/status_report.h"

#include <errno.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/json.h"
#include "base/util.h"
#include "bpf/report.h"
#include "host/listing.h"
#include "host/report.h"
#include "host/service.h"
#include "host/stats.h"
#include "host/tls_stat.h"
#include "host/version.h" /* generated: KTLSD_VERSION */
#include "tls/handshake.h"
#include "tls/probe.h"

/* Rows of connections; a page shows no more, and no worker is held up for long by more. */
enum { MAX_ROWS = 1000 };

struct json *status_report_listeners(const struct service *s)
{
	struct json *array = json_new_array();

	for (unsigned i = 0; i < s->runtime.n_listeners; i++)
		json_append(array, report_listener(s->runtime.listeners[i]));
	return array;
}

struct json *status_report_method(struct service *s)
{
	struct json *o = json_new();
	struct counters sum;
	struct utsname uts;

	service_count(s, &sum);
	json_set_string(o, "version", KTLSD_VERSION);
	json_set_int(o, "pid", getpid());
	json_set_int(o, "uptime_s", (int64_t)((now_ns() - s->started_ns) / (MS_PER_S * NS_PER_MS)));
	json_set_string(o, "kernel", uname(&uts) ? "?" : uts.release);
	json_set_string(o, "crypto_library", handshake_library());
	json_set_string(o, "config", s->config_path);
	json_set_int(o, "workers", s->n_workers);
	json_set_int(o, "reloads", s->reloads);
	json_set_bool(o, "ktls", !s->probe->ulp_err);
	json_set_bool(o, "rekey", probe_has_rekey(s->probe));
	json_set(o, "listeners", status_report_listeners(s));
	json_set(o, "limits", report_limits(&s->limits, &sum));
	json_set(o, "counters", report_counters(&sum));
	json_set(o, "reasons", report_reasons(&sum));
	json_set(o, "observer", report_observer(&s->observer));
	return o;
}

static struct json *report_groups(struct service *s)
{
	struct listing *l = listing_new(s, LISTING_EVERYWHERE);
	struct stats_groups groups = { .n = 0 };
	struct json *array = json_new_array();
	struct listing_row row;
	int err = l ? 0 : -ENOMEM;

	while (!err && listing_next(l, &row))
		err = stats_add(&groups, &row);
	for (size_t i = 0; i < groups.n; i++)
		json_append(array, report_group(&groups.groups[i]));
	stats_groups_fini(&groups);
	listing_free(l);
	if (!err)
		return array;
	json_free(array);
	return NULL;
}

static struct json *report_totals(const struct walk *w)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < w->n_totals; i++)
		if (w->totals[i].key.event < KTLS_N_EVENTS)
			json_append(array, report_total(&w->totals[i]));
	return array;
}

static struct json *report_tls_stats(const struct walk *w)
{
	struct tls_stat stats[TLS_STAT_MAX];
	size_t n = tls_stat_read(stats);
	struct json *array = json_new_array();
	struct report_reader reader;

	report_reader_init(&reader);
	for (size_t i = 0; i < n; i++) {
		uint64_t ours;
		bool known = stats_find_ours(w, reader.netns, stats[i].name, &ours);

		json_append(array, report_tls_stat(&stats[i], known ? &ours : NULL));
	}
	return array;
}

struct json *status_report_stats(struct service *s)
{
	struct json *o = json_new();

	json_set(o, "sockets", report_groups(s));
	json_set(o, "totals", report_totals(&s->observer.last));
	json_set(o, "tls_stat", report_tls_stats(&s->observer.last));
	json_set(o, "observer", report_observer(&s->observer));
	return o;
}

static struct json *connections(struct service *s, int64_t *total)
{
	struct listing *l = listing_new(s, LISTING_EVERYWHERE);
	struct json *array = json_new_array(), *row;
	struct listing_row rest;

	for (*total = 0; l && *total < MAX_ROWS && (row = listing_report_next(l)); ++*total)
		json_append(array, row);
	while (l && listing_next(l, &rest))
		++*total;
	listing_free(l);
	return array;
}

/* The page has no table of its own. */
static struct json *texts(void)
{
	struct json *o = json_new();

	for (int r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		struct json *text = json_new();

		json_set_string(text, "class", reason_class_name(reason_class((enum reason)r)));
		json_set_string(text, "what", reason_what((enum reason)r));
		json_set_string(text, "remedy", reason_remedy((enum reason)r));
		json_set(o, reason_name((enum reason)r), text);
	}
	return o;
}

struct json *status_report(struct service *s)
{
	struct json *o = json_new();
	int64_t total;

	json_set(o, "status", status_report_method(s));
	json_set(o, "stats", status_report_stats(s));
	json_set(o, "connections", connections(s, &total));
	json_set_int(o, "connections_total", total);
	json_set(o, "texts", texts());
	return o;
}
