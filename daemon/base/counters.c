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

const uint32_t duration_bounds_ms[DURATION_N_BOUNDS] = {
	1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000,
};

void counters_sum(struct counters *sum, const struct counters *from)
{
	const atomic_uint_least64_t *f = (const atomic_uint_least64_t *)from;
	atomic_uint_least64_t *s = (atomic_uint_least64_t *)sum;

	_Static_assert(sizeof(*sum) % sizeof(*s) == 0, "nothing but counters");
	for (size_t i = 0; i < sizeof(*sum) / sizeof(*s); i++)
		count_add(&s[i], (int64_t)count_get(&f[i]));
}
