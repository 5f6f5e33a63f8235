/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the workers count, but for the connections that are open. */
#include "host/metrics.h"

#include "base/util.h"
#include "host/metrics_part.h"
#include "host/service.h"

#define NS_PER_S 1e9

static const char *const mode_names[N_MODES] = { "none", "user", "kernel" };
static const char *const resumed_names[] = { "no", "yes" };

static uint64_t value(const struct metrics_part *p, enum counter c)
{
	return count_get(&p->sum->value[c]);
}

static void put(struct metrics_part *p, enum metric m, enum counter c)
{
	exposition_put_int(p->out, m, NULL, value(p, c));
}

static void put_as(struct metrics_part *p, enum metric m, const char *label, enum counter c)
{
	exposition_put_int(p->out, m, LABELS(label), value(p, c));
}

/* A reason that says why a direction is in user space. */
static bool is_fallback(enum reason r)
{
	switch (r) {
	case REASON_POLICY_OFF:
	case REASON_KTLS_NO_ULP:
	case REASON_KTLS_ULP_REFUSED:
	case REASON_KTLS_CIPHER:
	case REASON_KTLS_NO_REKEY:
	case REASON_KTLS_INSTALL:
	case REASON_BACKEND_NO_SPLICE:
		return true;
	default:
		return false;
	}
}

/* From the first reason on that ends connections all are there, so that each begins at zero. */
static void write_ends(struct metrics_part *p)
{
	for (int r = REASON_CLOSED; r < REASON_COUNT; r++) {
		enum reason reason = (enum reason)r;

		exposition_put_int(p->out, METRIC_ENDS,
				   LABELS(reason_name(reason),
					  reason_class_name(reason_class(reason))),
				   count_get(&p->sum->end[r]));
	}
}

static void write_fallbacks(struct metrics_part *p)
{
	for (int d = 0; d < N_DIRECTIONS; d++)
		for (int r = 1; r < REASON_COUNT; r++) {
			uint64_t n = count_get(&p->sum->fallback[d][r]);

			if (n || is_fallback((enum reason)r))
				exposition_put_int(
					p->out, METRIC_FALLBACKS,
					LABELS("kernel", direction_name((enum direction)d),
					       reason_name((enum reason)r),
					       reason_class_name(reason_class((enum reason)r))),
					n);
		}
}

static const char *version_name(int is13)
{
	return suite_version_name(is13 ? TLS13 : TLS12);
}

static void write_handshake_counts(struct metrics_part *p)
{
	static const char *const groups[N_GROUPS] = {
		[GROUP_NONE] = "none",	    [GROUP_MLKEM] = "x25519mlkem768",
		[GROUP_X25519] = "x25519",  [GROUP_P256] = "secp256r1",
		[GROUP_P384] = "secp384r1", [GROUP_OTHER] = "other",
	};
	static const char *const losses[HANDSHAKE_N_LOSSES] = {
		[HANDSHAKE_LOST_FAILED] = "failed",
		[HANDSHAKE_LOST_TIMEOUT] = "timeout",
		[HANDSHAKE_LOST_CLOSED] = "closed",
		[HANDSHAKE_LOST_REFUSED] = "refused",
	};

	for (int v = 0; v < 2; v++)
		for (int r = 0; r < 2; r++)
			for (int g = 0; g < N_GROUPS; g++)
				exposition_put_int(
					p->out, METRIC_HANDSHAKES,
					LABELS("ok", version_name(v), resumed_names[r], groups[g]),
					count_get(&p->sum->handshakes[v][r].by_group[g]));
	for (int l = 0; l < HANDSHAKE_N_LOSSES; l++)
		exposition_put_int(p->out, METRIC_HANDSHAKES,
				   LABELS(losses[l], "none", "none", "none"),
				   count_get(&p->sum->lost[l]));
}

static void write_handshake_durations(struct metrics_part *p)
{
	for (int v = 0; v < 2; v++)
		for (int r = 0; r < 2; r++) {
			const struct handshake_counters *h = &p->sum->handshakes[v][r];
			uint64_t counts[DURATION_N_BOUNDS + 1];

			for (int i = 0; i <= DURATION_N_BOUNDS; i++)
				counts[i] = count_get(&h->duration[i]);
			exposition_put_histogram(
				p->out, METRIC_HANDSHAKE_DURATION,
				LABELS(version_name(v), resumed_names[r]),
				&(struct exposition_histogram){
					.bounds_ms = duration_bounds_ms,
					.counts = counts,
					.n = DURATION_N_BOUNDS,
					.sum_s = (double)count_get(&h->duration_ns) / NS_PER_S });
		}
}

static void write_rekeys(struct metrics_part *p)
{
	static const char *const initiators[REKEY_N_INITIATORS] = {
		[REKEY_LOCAL] = "local", [REKEY_PEER] = "peer"
	};
	static const char *const results[REKEY_N_RESULTS] = {
		[REKEY_OK] = "ok", [REKEY_REFUSED] = "refused", [REKEY_FAILED] = "failed"
	};

	for (int d = 0; d < N_DIRECTIONS; d++)
		for (int i = 0; i < REKEY_N_INITIATORS; i++)
			for (int r = 0; r < REKEY_N_RESULTS; r++)
				exposition_put_int(p->out, METRIC_REKEYS,
						   LABELS(direction_name((enum direction)d),
							  initiators[i], results[r]),
						   count_get(&p->sum->rekeys[d][i][r]));
}

static void write_errors(struct metrics_part *p)
{
	for (int m = MODE_USER; m < N_MODES; m++)
		exposition_put_int(p->out, METRIC_DECRYPT_ERRORS, LABELS(mode_names[m]),
				   count_get(&p->sum->decrypt_errors[m]));
	for (int m = MODE_USER; m < N_MODES; m++)
		exposition_put_int(p->out, METRIC_FRAMING_ERRORS, LABELS(mode_names[m]),
				   count_get(&p->sum->framing_errors[m]));
}

static void write_bytes(struct metrics_part *p)
{
	for (int d = 0; d < N_DIRECTIONS; d++)
		for (int m = MODE_USER; m < N_MODES; m++)
			exposition_put_int(p->out, METRIC_PAYLOAD,
					   LABELS(direction_name((enum direction)d), mode_names[m]),
					   count_get(&p->sum->payload[d][m]));
	put_as(p, METRIC_MOVED, "splice", COUNTER_SPLICED_BYTES);
	put_as(p, METRIC_MOVED, "sendfile", COUNTER_SENDFILE_BYTES);
	put_as(p, METRIC_MOVED, "copy", COUNTER_COPIED_BYTES);
	put_as(p, METRIC_HTTP_RESPONSES, "2xx", COUNTER_RESPONSES_2XX);
	put_as(p, METRIC_HTTP_RESPONSES, "3xx", COUNTER_RESPONSES_3XX);
	put_as(p, METRIC_HTTP_RESPONSES, "4xx", COUNTER_RESPONSES_4XX);
	put_as(p, METRIC_HTTP_RESPONSES, "5xx", COUNTER_RESPONSES_5XX);
}

static void write_pipes(struct metrics_part *p)
{
	const struct service *s = p->service;
	uint64_t n = 0;

	for (unsigned i = 0; i < s->n_workers; i++)
		n += s->workers[i].pipes.n; /* made at the start, and as many for ever */
	exposition_put_int(p->out, METRIC_PIPES, NULL, n);
	put(p, METRIC_PIPES_IN_USE, COUNTER_PIPES_IN_USE);
	put(p, METRIC_PIPES_EMPTY, COUNTER_NO_PIPE);
}

static void write_limits(struct metrics_part *p)
{
	const struct limits *l = &p->service->limits;
	const struct {
		const char *name;
		uint64_t limit;
		int64_t in_use;
		enum reason reason;
	} limits[] = {
		{ "connections", l->max_connections, l->connections, REASON_LIMIT_CONNECTIONS },
		{ "connections-per-address", l->max_per_address, -1, REASON_LIMIT_PER_ADDRESS },
		{ "handshakes", l->max_handshakes, l->handshakes, REASON_LIMIT_HANDSHAKES },
		{ "handshake-rate", l->max_handshake_rate, -1, REASON_LIMIT_HANDSHAKE_RATE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (limits[i].limit)
			exposition_put_int(p->out, METRIC_LIMIT, LABELS(limits[i].name),
					   limits[i].limit);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (limits[i].in_use >= 0)
			exposition_put_int(p->out, METRIC_LIMIT_IN_USE, LABELS(limits[i].name),
					   (uint64_t)limits[i].in_use);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		exposition_put_int(p->out, METRIC_LIMIT_REFUSALS, LABELS(limits[i].name),
				   count_get(&p->sum->end[limits[i].reason]));
}

void metrics_write_own(struct metrics_part *p)
{
	put(p, METRIC_ACCEPTED, COUNTER_ACCEPTED);
	write_ends(p);
	write_handshake_counts(p);
	put(p, METRIC_HANDSHAKES_IN_FLIGHT, COUNTER_HANDSHAKES_IN_FLIGHT);
	write_handshake_durations(p);
	put_as(p, METRIC_INSTALLS, direction_name(TX), COUNTER_TX_KERNEL);
	put_as(p, METRIC_INSTALLS, direction_name(RX), COUNTER_RX_KERNEL);
	write_fallbacks(p);
	write_rekeys(p);
	write_errors(p);
	write_bytes(p);
	write_pipes(p);
	write_limits(p);
	put(p, METRIC_ACCEPT_PAUSES, COUNTER_ACCEPT_PAUSES);
}
