/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges Range fields. Only arithmetic; every number saturates at 2^64 - 1. */
#include "serve/http_range.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/util.h"

enum verdict { MALFORMED, UNSATISFIABLE, SATISFIABLE };

/* Takes the digits that text begins with; false if there are none. */
static bool take_number(struct http_text *text, uint64_t *value)
{
	size_t n = 0;

	for (*value = 0; n < text->len && http_is_digit(text->data[n]); n++)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(text->data[n] - '0'), value))
			*value = UINT64_MAX;
	http_text_skip(text, n);
	return n > 0;
}

/* "-N": the last N bytes. */
static enum verdict judge_suffix(struct http_text spec, uint64_t size, struct http_range *range)
{
	uint64_t n;

	http_text_skip(&spec, 1);
	if (!take_number(&spec, &n) || spec.len)
		return MALFORMED;
	range->len = MIN_OF(n, size);
	range->first = size - range->len;
	/* of an empty representation too, though there is no way to say so: RFC 9110 14.1.2 */
	return n ? SATISFIABLE : UNSATISFIABLE;
}

static enum verdict judge_spec(struct http_text spec, uint64_t size, struct http_range *range)
{
	uint64_t first, last = UINT64_MAX;

	if (spec.data[0] == '-')
		return judge_suffix(spec, size, range);
	if (!take_number(&spec, &first) || !spec.len || spec.data[0] != '-')
		return MALFORMED;
	http_text_skip(&spec, 1);
	if (spec.len && (!take_number(&spec, &last) || spec.len || last < first))
		return MALFORMED;
	if (first >= size)
		return UNSATISFIABLE;
	range->first = first;
	range->len = MIN_OF(last, size - 1) - first + 1;
	return SATISFIABLE;
}

/* True if the field asks for bytes: *set is what follows. */
static bool take_unit(struct http_text field, struct http_text *set)
{
	static const char unit[] = "bytes";
	const size_t len = strlen(unit);

	if (field.len <= len + 1 || !http_text_is((struct http_text){ field.data, len }, unit) ||
	    field.data[len] != '=' || http_is_blank(field.data[len + 1]))
		return false;
	*set = field;
	http_text_skip(set, len + 1);
	return true;
}

int http_range_parse(struct http_text field, uint64_t size,
		     struct http_range range[HTTP_RANGES_MAX])
{
	struct http_text set, spec;
	int n = 0, n_specs = 0;

	if (!take_unit(field, &set))
		return 0;
	while (http_list_next(&set, &spec)) {
		struct http_range one;

		if (++n_specs > HTTP_RANGES_MAX)
			return 0;
		switch (judge_spec(spec, size, &one)) {
		case MALFORMED:
			return 0;
		case UNSATISFIABLE:
			break;
		case SATISFIABLE:
			if (!one.len || (n && one.first < range[n - 1].first + range[n - 1].len))
				return 0;
			range[n++] = one;
		}
	}
	return n_specs && !n ? -ERANGE : n;
}
