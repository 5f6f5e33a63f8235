/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the observer is, and what it has counted, as JSON. */
#include "host/report.h"

#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"
#include "base/suite.h"
#include "base/util.h"
#include "host/observer.h"
#include "host/stats.h"
#include "host/tls_stat.h"

const char *report_direction_name(unsigned direction)
{
	return direction == KTLS_TX ? "tx" : direction == KTLS_RX ? "rx" : NULL;
}

static struct json *report_program(const struct program_state *p)
{
	struct json *o = json_new();

	json_set_string(o, "name", p->name);
	json_set_bool(o, "attached", p->attached);
	if (p->error)
		json_set_string(o, "error", *p->text ? p->text : log_errno(p->error));
	return o;
}

static int64_t boot_time_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * MS_PER_S * (int64_t)NS_PER_MS + ts.tv_nsec;
}

static void set_programs(struct json *o, const struct programs_state *p)
{
	struct json *programs = json_new_array();

	if (p->since_ns)
		json_set_int(o, "since_s",
			     (boot_time_ns() - (int64_t)p->since_ns) /
				     (MS_PER_S * (int64_t)NS_PER_MS));
	json_set_bool(o, "adopted", p->adopted);
	json_set_bool(o, "waiting_for_tls", p->waiting_for_tls);
	json_set_bool(o, "payload", p->payload);
	for (uint32_t i = 0; i < p->n; i++)
		json_append(programs, report_program(&p->programs[i]));
	json_set(o, "programs", programs);
}

struct json *report_observer(const struct observer *obs)
{
	const struct walk *w = &obs->last;
	const char *reason = NULL, *detail = NULL;
	struct json *o = json_new();

	json_set_bool(o, "available", observer_is_available(obs, &reason, &detail));
	json_set_string(o, "reason", reason);
	json_set_string(o, "detail", detail);
	if (w->taken_ns) {
		json_set_int(o, "age_ms", (int64_t)((now_ns() - w->taken_ns) / NS_PER_MS));
		json_set_int(o, "walk_ms", (int64_t)(w->took_ns / NS_PER_MS));
		json_set_int(o, "sockets", (int64_t)w->n);
	}
	if (obs->programs.stage == PROGRAMS_LOADED)
		set_programs(o, &obs->programs);
	if (w->n_totals) {
		json_set_int(o, "lost",
			     (int64_t)stats_count_observer(w, KTLS_OBSERVER_EVENTS_LOST));
		json_set_int(o, "forgotten",
			     (int64_t)stats_count_observer(w, KTLS_OBSERVER_HISTORY_FULL));
	}
	return o;
}

static void set_suite(struct json *o, unsigned version, unsigned cipher)
{
	const char *name = suite_cipher_name((uint16_t)cipher);
	char number[32];

	if (!version)
		return;
	snprintf(number, sizeof(number), "cipher-%u", cipher);
	json_set_string(o, "version", suite_version_name((uint16_t)version));
	json_set_string(o, "cipher", name ? name : number);
}

struct json *report_group(const struct stats_group *g)
{
	struct json *o = json_new();

	json_set_string(o, "owner", g->ours ? "ktlsd" : "other");
	json_set_string(o, "direction", report_direction_name(g->direction));
	json_set_string(o, "mode", g->mode);
	set_suite(o, g->version, g->cipher);
	json_set_int(o, "sockets", (int64_t)g->n);
	json_set_int(o, "records", (int64_t)g->records);
	return o;
}

static const char *mode_name(unsigned conf)
{
	return conf == KTLS_CONF_BASE ? "none" : conf == KTLS_CONF_SW ? "kernel" : "device";
}

struct json *report_total(const struct ktls_total *t)
{
	const struct ktls_total_key *k = &t->key;
	struct json *o = json_new();

	json_set_string(o, "event", report_event_name(k->event));
	json_set_string(o, "direction", report_direction_name(k->direction));
	if (report_direction_name(k->direction))
		json_set_string(o, "mode", mode_name(k->conf));
	set_suite(o, k->version, k->cipher);
	json_set_bool(o, "ok", k->ok);
	json_set_int(o, "count", (int64_t)t->count);
	if (k->event == KTLS_EVENT_CLOSE)
		json_set_int(o, "records", (int64_t)t->records);
	if (t->payload)
		json_set_int(o, "payload", (int64_t)t->payload);
	return o;
}

struct json *report_tls_stat(const struct tls_stat *stat, const uint64_t *ours)
{
	struct json *o = json_new();

	json_set_string(o, "name", stat->name);
	json_set_int(o, "value", (int64_t)stat->value);
	if (!ours)
		return o;
	json_set_int(o, "ours", (int64_t)*ours);
	if (stat->value != *ours)
		json_set_int(o, "difference", (int64_t)(stat->value - *ours));
	return o;
}
