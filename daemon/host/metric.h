/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of metrics: what is told, not how it is gathered or written. */
#ifndef KTLSD_HOST_METRIC_H
#define KTLSD_HOST_METRIC_H

enum metric {
#define METRIC(id, name, type, unit, labels, help) METRIC_##id,
#include "host/metric.def"
	METRIC_COUNT
};

enum metric_type {
	METRIC_TYPE_COUNTER,
	METRIC_TYPE_GAUGE,
	METRIC_TYPE_HISTOGRAM,
	METRIC_TYPE_INFO,
};

/* A row; the strings are static. */
struct metric_row {
	const char *name, *unit, *labels, *help;
	enum metric_type type;
};

const struct metric_row *metric_row(enum metric m);

#endif
