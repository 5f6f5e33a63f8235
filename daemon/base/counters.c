/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counter table and the sum over workers. */
#include "base/counters.h"

static const struct {
	const char *name;
	enum counter_type type;
	const char *unit;
	const char *help;
} rows[COUNTER_COUNT] = {
#define COUNTER(id, name_, type_, unit_, help_) \
	[COUNTER_##id] = { name_, COUNTER_TYPE_##type_, unit_, help_ },
#include "base/counters.def"
#undef COUNTER
};

const char *counter_name(enum counter c)
{
	return rows[c].name;
}

const char *counter_unit(enum counter c)
{
	return rows[c].unit;
}

const char *counter_help(enum counter c)
{
	return rows[c].help;
}

enum counter_type counter_type(enum counter c)
{
	return rows[c].type;
}

const char *direction_name(enum direction d)
{
	return d == TX ? "tx" : "rx";
}

static void sum_array(atomic_uint_least64_t *sum, const atomic_uint_least64_t *from, int n)
{
	for (int i = 0; i < n; i++)
		count_add(&sum[i], (int64_t)count_get(&from[i]));
}

void counters_sum(struct counters *sum, const struct counters *from)
{
	sum_array(sum->value, from->value, COUNTER_COUNT);
	sum_array(sum->fallback[TX], from->fallback[TX], REASON_COUNT);
	sum_array(sum->fallback[RX], from->fallback[RX], REASON_COUNT);
	sum_array(sum->end, from->end, REASON_COUNT);
}
