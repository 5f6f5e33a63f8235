/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and durations: strict, because strtoul() takes blanks, signs and what fits nowhere. */
#include "base/value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

/* From the largest. */
static const struct {
	const char *name;
	uint64_t ms;
} units[] = {
	{ "d", UINT64_C(86400000) }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

/* Reads digits and gives what follows them. */
static int parse_digits(const char *text, uint64_t *number, const char **rest)
{
	*number = 0;
	for (*rest = text; **rest >= '0' && **rest <= '9'; (*rest)++)
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (uint64_t)(**rest - '0'), number))
			return -ERANGE;
	return *rest == text ? -EINVAL : 0;
}

int value_parse_number(const char *text, uint64_t *number)
{
	const char *rest;
	int r = parse_digits(text, number, &rest);

	return r < 0 ? r : *rest ? -EINVAL : 0;
}

int value_parse_duration(const char *text, uint64_t *ms)
{
	const char *unit;
	uint64_t number;
	int r = parse_digits(text, &number, &unit);

	if (r < 0)
		return r;
	if (!number && !*unit) {
		*ms = 0;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(unit, units[i].name))
			return __builtin_mul_overflow(number, units[i].ms, ms) ? -ERANGE : 0;
	return -EINVAL;
}

void value_format_duration(uint64_t ms, char *buf, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (ms && ms % units[i].ms == 0) {
			snprintf(buf, size, "%" PRIu64 "%s", ms / units[i].ms, units[i].name);
			return;
		}
	snprintf(buf, size, "0");
}
