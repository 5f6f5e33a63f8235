/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and durations: what is one, and what only looks like one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/util.h"
#include "base/value.h"

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t number;
	} rows[] = {
		{ "0", 0, 0 },
		{ "007", 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
	};
	uint64_t number;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(value_parse_number(rows[i].text, &number), rows[i].result);
		if (!rows[i].result)
			assert_true(number == rows[i].number);
	}
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t ms;
		const char *formatted;
	} rows[] = {
		{ "0", 0, 0, "0" },
		{ "0s", 0, 0, "0" },
		{ "1ms", 0, 1, "1ms" },
		{ "1500ms", 0, 1500, "1500ms" },
		{ "90s", 0, 90000, "90s" },
		{ "60s", 0, 60000, "1m" },
		{ "5m", 0, 300000, "5m" },
		{ "24h", 0, 86400000, "1d" },
		{ "49d", 0, UINT64_C(4233600000), "49d" },
		{ "5", -EINVAL, 0, NULL },
		{ "s", -EINVAL, 0, NULL },
		{ "5 s", -EINVAL, 0, NULL },
		{ "5S", -EINVAL, 0, NULL },
		{ "1h30m", -EINVAL, 0, NULL },
		{ "1.5s", -EINVAL, 0, NULL },
		{ "-5s", -EINVAL, 0, NULL },
		{ "18446744073709551615s", -ERANGE, 0, NULL },
	};
	uint64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[32];

		assert_int_equal(value_parse_duration(rows[i].text, &ms), rows[i].result);
		if (rows[i].result)
			continue;
		assert_true(ms == rows[i].ms);
		value_format_duration(ms, text, sizeof(text));
		assert_string_equal(text, rows[i].formatted);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
