/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Range fields: what is taken, what is ignored, what cannot be satisfied; and all of 64 bits. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "serve/http_range.h"

#define MAX "18446744073709551615"
#define OVER "18446744073709551616"

static const struct row {
	const char *field;
	uint64_t size;
	int n;
	struct http_range range[3];
} rows[] = {
	/* one */
	{ "bytes=0-0", 10, 1, { { 0, 1 } } },
	{ "bytes=0-9", 10, 1, { { 0, 10 } } },
	{ "bytes=9-9", 10, 1, { { 9, 1 } } },
	{ "bytes=9-10", 10, 1, { { 9, 1 } } },
	{ "bytes=2-5", 10, 1, { { 2, 4 } } },
	{ "bytes=2-", 10, 1, { { 2, 8 } } },
	{ "bytes=0-", 10, 1, { { 0, 10 } } },
	{ "bytes=000-001", 10, 1, { { 0, 2 } } },
	{ "BYTES=0-0", 10, 1, { { 0, 1 } } },
	{ "bytes=-1", 10, 1, { { 9, 1 } } },
	{ "bytes=-10", 10, 1, { { 0, 10 } } },
	{ "bytes=-11", 10, 1, { { 0, 10 } } },
	{ "bytes=0-0", 1, 1, { { 0, 1 } } },
	/* out of reach */
	{ "bytes=10-", 10, -ERANGE, { { 0 } } },
	{ "bytes=10-10", 10, -ERANGE, { { 0 } } },
	{ "bytes=10-20,30-40", 10, -ERANGE, { { 0 } } },
	{ "bytes=-0", 10, -ERANGE, { { 0 } } },
	{ "bytes=-00,10-", 10, -ERANGE, { { 0 } } },
	/* nothing there */
	{ "bytes=0-", 0, -ERANGE, { { 0 } } },
	{ "bytes=0-0", 0, -ERANGE, { { 0 } } },
	{ "bytes=-0", 0, -ERANGE, { { 0 } } },
	{ "bytes=-1", 0, 0, { { 0 } } }, /* satisfied by the whole, which is empty */
	{ "bytes=0-,-1", 0, 0, { { 0 } } },
	/* several */
	{ "bytes=0-0,2-2", 10, 2, { { 0, 1 }, { 2, 1 } } },
	{ "bytes=0-0,1-1", 10, 2, { { 0, 1 }, { 1, 1 } } },
	{ "bytes=0-1,4-5,-2", 10, 3, { { 0, 2 }, { 4, 2 }, { 8, 2 } } },
	{ "bytes=0-0,20-,9-", 10, 2, { { 0, 1 }, { 9, 1 } } },
	{ "bytes=20-,-0,3-3", 10, 1, { { 3, 1 } } },
	{ "bytes=0-0 , 2-2", 10, 2, { { 0, 1 }, { 2, 1 } } },
	{ "bytes=0-0\t,\t2-2", 10, 2, { { 0, 1 }, { 2, 1 } } },
	{ "bytes=0-0,,2-2,", 10, 2, { { 0, 1 }, { 2, 1 } } },
	{ "bytes=, ,0-0", 10, 1, { { 0, 1 } } },
	/* overlapping and descending */
	{ "bytes=0-5,5-9", 10, 0, { { 0 } } },
	{ "bytes=0-,0-", 10, 0, { { 0 } } },
	{ "bytes=0-9,-1", 10, 0, { { 0 } } },
	{ "bytes=5-5,0-0", 10, 0, { { 0 } } },
	{ "bytes=0-0,4-4,2-2", 10, 0, { { 0 } } },
	{ "bytes=-1,-1", 10, 0, { { 0 } } },
	/* not well formed */
	{ NULL, 10, 0, { { 0 } } },
	{ "", 10, 0, { { 0 } } },
	{ "bytes", 10, 0, { { 0 } } },
	{ "bytes=", 10, 0, { { 0 } } },
	{ "bytes=,", 10, 0, { { 0 } } },
	{ "bytes= ,", 10, 0, { { 0 } } },
	{ "bytes=-", 10, 0, { { 0 } } },
	{ "bytes=--1", 10, 0, { { 0 } } },
	{ "bytes=1", 10, 0, { { 0 } } },
	{ "bytes=a-b", 10, 0, { { 0 } } },
	{ "bytes=0-b", 10, 0, { { 0 } } },
	{ "bytes=0-0x", 10, 0, { { 0 } } },
	{ "bytes=0x0-1", 10, 0, { { 0 } } },
	{ "bytes=0-0-0", 10, 0, { { 0 } } },
	{ "bytes=+0-0", 10, 0, { { 0 } } },
	{ "bytes=0 -0", 10, 0, { { 0 } } },
	{ "bytes=0- 0", 10, 0, { { 0 } } },
	{ "bytes=- 1", 10, 0, { { 0 } } },
	{ "bytes=-1a", 10, 0, { { 0 } } },
	{ "bytes=5-4", 10, 0, { { 0 } } },
	{ "bytes=0-0,5-4", 10, 0, { { 0 } } },
	{ "bytes=20-19", 10, 0, { { 0 } } },
	{ "bytes=20-,a", 10, 0, { { 0 } } },
	{ "bytes=0-0;1-1", 10, 0, { { 0 } } },
	{ "bytes= 0-0", 10, 0, { { 0 } } },
	{ "bytes =0-0", 10, 0, { { 0 } } },
	{ "bytes:0-0", 10, 0, { { 0 } } },
	{ "byte=0-0", 10, 0, { { 0 } } },
	{ "bytess=0-0", 10, 0, { { 0 } } },
	{ "items=0-0", 10, 0, { { 0 } } },
	{ "0-0", 10, 0, { { 0 } } },
	/* 2^64 */
	{ "bytes=0-" MAX, 10, 1, { { 0, 10 } } },
	{ "bytes=0-" OVER, 10, 1, { { 0, 10 } } },
	{ "bytes=1-" OVER "0", 10, 1, { { 1, 9 } } },
	{ "bytes=-" MAX, 10, 1, { { 0, 10 } } },
	{ "bytes=-" OVER, 10, 1, { { 0, 10 } } },
	{ "bytes=-" OVER "000000000000000000000000000001", 10, 1, { { 0, 10 } } },
	{ "bytes=" MAX "-", 10, -ERANGE, { { 0 } } },
	{ "bytes=" OVER "-", 10, -ERANGE, { { 0 } } },
	{ "bytes=" OVER "-0", 10, 0, { { 0 } } },
	{ "bytes=" OVER "-" OVER, 10, -ERANGE, { { 0 } } },
	{ "bytes=0-", UINT64_MAX, 1, { { 0, UINT64_MAX } } },
	{ "bytes=0-" MAX, UINT64_MAX, 1, { { 0, UINT64_MAX } } },
	{ "bytes=-" MAX, UINT64_MAX, 1, { { 0, UINT64_MAX } } },
	{ "bytes=18446744073709551614-", UINT64_MAX, 1, { { UINT64_MAX - 1, 1 } } },
	{ "bytes=" MAX "-", UINT64_MAX, -ERANGE, { { 0 } } },
	{ "bytes=0-1,18446744073709551614-" OVER,
	  UINT64_MAX,
	  2,
	  { { 0, 2 }, { UINT64_MAX - 1, 1 } } },
	{ "bytes=9223372036854775807-9223372036854775808", UINT64_MAX, 1, { { INT64_MAX, 2 } } },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct http_range range[HTTP_RANGES_MAX];
		struct http_text field = { row->field, row->field ? strlen(row->field) : 0 };
		int n = http_range_parse(field, row->size, range);

		if (n != row->n)
			fail_msg("row %zu (%s): %d", i, row->field, n);
		for (int k = 0; k < n; k++)
			if (range[k].first != row->range[k].first ||
			    range[k].len != row->range[k].len)
				fail_msg("row %zu (%s): range %d", i, row->field, k);
	}
}

static void test_most_ranges(void **state)
{
	(void)state;
	for (int count = 1; count <= HTTP_RANGES_MAX + 1; count++) {
		struct http_range range[HTTP_RANGES_MAX];
		char field[512] = "bytes=";
		size_t len = strlen(field);

		for (int i = 0; i < count; i++)
			len += (size_t)snprintf(field + len, sizeof(field) - len, "%d-%d,", i * 2,
						i * 2);
		assert_int_equal(http_range_parse((struct http_text){ field, len }, 100, range),
				 count <= HTTP_RANGES_MAX ? count : 0);
		assert_int_equal(range[count <= HTTP_RANGES_MAX ? count - 1 : 0].len, 1);
	}
}

/* Too many are ignored whether or not they can be satisfied. */
static void test_too_many_out_of_reach(void **state)
{
	static const char spec[] = "7-7,";
	struct http_range range[HTTP_RANGES_MAX];
	char field[sizeof("bytes=") + (HTTP_RANGES_MAX + 1) * sizeof(spec)] = "bytes=";
	struct http_text text = { field, 0 };

	(void)state;
	for (int i = 0; i < HTTP_RANGES_MAX; i++)
		strcat(field, spec);
	text.len = strlen(field);
	assert_int_equal(http_range_parse(text, 5, range), -ERANGE);
	strcat(field, spec);
	text.len = strlen(field);
	assert_int_equal(http_range_parse(text, 5, range), 0);
}

/* Every pair over a small entity, against counting. */
static void test_all_pairs(void **state)
{
	(void)state;
	for (unsigned size = 0; size < 6; size++) {
		for (unsigned pair = 0; pair < 64; pair++) {
			const unsigned first = pair / 8, last = pair % 8;
			struct http_range range[HTTP_RANGES_MAX];
			char field[32];
			int len = snprintf(field, sizeof(field), "bytes=%u-%u", first, last);
			int n = http_range_parse((struct http_text){ field, (size_t)len }, size,
						 range);
			unsigned wanted = 0;

			for (unsigned at = 0; at < size; at++)
				wanted += at >= first && at <= last;
			assert_int_equal(n, last < first ? 0 : wanted ? 1 : -ERANGE);
			if (n != 1)
				continue;
			assert_int_equal(range[0].first, first);
			assert_int_equal(range[0].len, wanted);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_most_ranges),
		cmocka_unit_test(test_too_many_out_of_reach),
		cmocka_unit_test(test_all_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
