/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table. */
#include "host/metric.h"

static const struct metric_row rows[METRIC_COUNT] = {
#define METRIC(id, name_, type_, unit_, labels_, help_) \
	[METRIC_##id] = { name_, unit_, labels_, help_, METRIC_TYPE_##type_ },
#include "host/metric.def"
};

const struct metric_row *metric_row(enum metric m)
{
	return &rows[m];
}
