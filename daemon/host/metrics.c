/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsd itself, its host and the probe; the rest is in the files beside. */
#include "host/metrics.h"

#include <sys/utsname.h>

#include "base/util.h"
#include "host/metrics_part.h"
#include "host/service.h"
#include "host/version.h" /* generated: KTLSD_VERSION */
#include "tls/handshake.h"

#define NS_PER_S 1e9

static void write_build(struct metrics_part *p)
{
	const char *driver = p->service->probe->aes_driver;
	struct utsname uts;

	exposition_put_int(p->out, METRIC_BUILD_INFO, LABELS(KTLSD_VERSION, handshake_library()),
			   1);
	if (!uname(&uts))
		exposition_put_int(p->out, METRIC_KERNEL_INFO,
				   LABELS(uts.release, uts.machine, driver), 1);
}

static void write_server(struct metrics_part *p)
{
	const struct service *s = p->service;

	exposition_put(p->out, METRIC_UPTIME, NULL, (double)(now_ns() - s->started_ns) / NS_PER_S);
	exposition_put_int(p->out, METRIC_WORKERS, NULL, s->n_workers);
	if (p->in->has_tags)
		exposition_put(p->out, METRIC_WORKER_LAG, NULL, (double)p->in->lag_ns / NS_PER_S);
	exposition_put_int(p->out, METRIC_RELOADS, LABELS("ok"), s->reloads);
	exposition_put_int(p->out, METRIC_RELOADS, LABELS("failed"), s->failed_reloads);
	exposition_put_int(p->out, METRIC_RELOAD_SUCCESSFUL, NULL, !s->last_reload_failed);
	exposition_put_int(p->out, METRIC_RELOAD_TIME, NULL, (uint64_t)s->configured_s);
}

static void write_exporter(struct metrics_part *p)
{
	static const char *const codes[METRICS_N_CODES] = {
		[METRICS_200] = "200", [METRICS_400] = "400", [METRICS_404] = "404",
		[METRICS_405] = "405", [METRICS_503] = "503",
	};

	exposition_put_int(p->out, METRIC_SCRAPES, NULL, p->in->scrapes);
	if (p->in->last_scrape_ns)
		exposition_put(p->out, METRIC_SCRAPE_DURATION, NULL,
			       (double)p->in->last_scrape_ns / NS_PER_S);
	for (int c = 0; c < METRICS_N_CODES; c++)
		exposition_put_int(p->out, METRIC_EXPORTER_RESPONSES, LABELS(codes[c]),
				   p->in->responses[c]);
}

static void write_feature(struct metrics_part *p, const struct suite *suite, enum direction d,
			  const char *feature, const struct probe_feature *f)
{
	if (f->verdict != PROBE_SKIPPED)
		exposition_put_int(p->out, METRIC_PROBE_RESULT,
				   LABELS(suite_version_name(suite->version), suite->cipher,
					  direction_name(d), feature),
				   f->verdict == PROBE_YES);
}

static void write_cell(struct metrics_part *p, const struct suite *suite, enum direction d)
{
	const struct probe_cell *cell = probe_find(p->service->probe, suite, d);

	write_feature(p, suite, d, "data", &cell->data);
	write_feature(p, suite, d, "rekey", &cell->rekey);
	write_feature(p, suite, d, "zerocopy", &cell->zerocopy);
	write_feature(p, suite, d, "nopad", &cell->no_pad);
	write_feature(p, suite, d, "max_payload", &cell->max_payload);
}

static void write_probe(struct metrics_part *p)
{
	const struct probe *probe = p->service->probe;

	p->up[SOURCE_PROBE] = probe->duration_ms || probe->ulp_err;
	exposition_put_int(p->out, METRIC_PROBE_ULP, NULL, !probe->ulp_err);
	for (unsigned v = 0; v < PROBE_N_VERSIONS; v++)
		for (unsigned c = 0; c < PROBE_N_CIPHERS; c++)
			for (int d = 0; d < N_DIRECTIONS; d++)
				write_cell(p, probe_suite(v, c), (enum direction)d);
	exposition_put_int(p->out, METRIC_PROBE_GENERIC, NULL,
			   probe_is_generic_driver(probe->aes_driver));
	exposition_put(p->out, METRIC_PROBE_DURATION, NULL, probe->duration_ms / (double)MS_PER_S);
}

static void write_sources(struct metrics_part *p)
{
	static const char *const names[N_SOURCES] = {
		[SOURCE_WORKERS] = "workers",	[SOURCE_PROBE] = "probe",
		[SOURCE_OBSERVER] = "observer", [SOURCE_PROGRAMS] = "programs",
		[SOURCE_TLS_STAT] = "tls_stat", [SOURCE_DEVICES] = "devices",
		[SOURCE_PROCESS] = "process",	[SOURCE_ACCEPT_QUEUE] = "accept_queue",
	};

	for (int i = 0; i < N_SOURCES; i++)
		exposition_put_int(p->out, METRIC_SOURCE_UP, LABELS(names[i]), p->up[i]);
}

void metrics_write(struct exposition *x, struct service *s, const struct metrics_input *in)
{
	struct counters sum;
	struct metrics_part p = { .out = x, .service = s, .in = in, .sum = &sum };

	service_count(s, &sum);
	p.up[SOURCE_WORKERS] = in->has_tags;
	write_build(&p);
	write_server(&p);
	write_exporter(&p);
	write_probe(&p);
	metrics_write_listeners(&p);
	metrics_write_own(&p);
	metrics_write_sockets(&p);
	metrics_write_observer(&p);
	metrics_write_system(&p);
	write_sources(&p);
}
