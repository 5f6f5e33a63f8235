/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text that Prometheus reads: its own format (0.0.4) or OpenMetrics 1.0, into one growing
 * buffer that has an end. Knows the table of metrics, and not where figures come from.
 */
#ifndef KTLSD_HOST_EXPOSITION_H
#define KTLSD_HOST_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/metric.h"

enum exposition_format { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS, EXPOSITION_N_FORMATS };

/* Bytes; thousands of listeners, or a bug, and no scrape should be asked to take that. */
enum { EXPOSITION_MAX = 4 * 1024 * 1024 };

struct exposition {
	enum exposition_format format;
	char *text; /* owned; not terminated */
	size_t len, room;
	int err;	  /* the first -ENOMEM or -E2BIG: the text is not whole then */
	enum metric last; /* METRIC_COUNT: none yet */
	bool begun[METRIC_COUNT];
};

/* Empty. Free it with exposition_fini(). */
void exposition_init(struct exposition *x, enum exposition_format format);
void exposition_fini(struct exposition *x);

/*
 * A sample. `labels` are the values in the table's order, as many as it has, NULL for none. The
 * samples of a family come one behind the other; a family without any leaves no trace.
 */
void exposition_put(struct exposition *x, enum metric m, const char *const *labels, double value);
void exposition_put_int(struct exposition *x, enum metric m, const char *const *labels,
			uint64_t value);

/*
 * A histogram's samples: n bounds in ms, n + 1 counts, each of its bucket alone, and the sum of
 * what was observed.
 */
struct exposition_histogram {
	const uint32_t *bounds_ms;
	const uint64_t *counts;
	unsigned n;
	double sum_s;
};
void exposition_put_histogram(struct exposition *x, enum metric m, const char *const *labels,
			      const struct exposition_histogram *h);

/* After the last sample. 0, or what went wrong: then nobody may have the text. */
int exposition_end(struct exposition *x);

/* What a client that sends this Accept header, or none (NULL), wants; and its Content-Type. */
enum exposition_format exposition_choose(const char *accept);
const char *exposition_content_type(enum exposition_format format);

#endif
