/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dates of HTTP against those of the C library, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/util.h"
#include "serve/http_date.h"

enum { NOW = 1767225600 }; /* 2026-01-01 */

static bool parse(const char *text, time_t *t)
{
	return http_date_parse((struct http_text){ text, strlen(text) }, NOW, t);
}

static void test_formats(void **state)
{
	static const struct {
		const char *text;
		int64_t t;
	} rows[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
		{ "Sun Nov  6 08:49:37 1994", 784111777 },
		{ "Sun Nov 16 08:49:37 1994", 784975777 },
		{ "Sun Nov 06 08:49:37 1994", 784111777 },
		{ "Mon, 06 Nov 1994 08:49:37 GMT", 784111777 }, /* it was a Sunday */
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
		{ "Thu, 29 Feb 2024 12:00:00 GMT", 1709208000 },
		{ "Tue, 29 Feb 2000 00:00:00 GMT", 951782400 },
		{ "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 }, /* a leap second */
		{ "Tue, 19 Jan 2038 03:14:08 GMT", INT64_C(2147483648) },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799) },
		{ "Sat, 01 Jan 0000 00:00:00 GMT", INT64_C(-62167219200) },
		/* two digits: at most 50 years ahead of 2026 */
		{ "Friday, 01-Jan-76 00:00:00 GMT", INT64_C(3345062400) },
		{ "Saturday, 01-Jan-77 00:00:00 GMT", 220924800 },
		{ "Saturday, 01-Jan-00 00:00:00 GMT", 946684800 },
		{ "Friday, 01-Jan-99 00:00:00 GMT", 915148800 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		time_t t = 1;

		if (!parse(rows[i].text, &t) || t != rows[i].t)
			fail_msg("%s: %lld", rows[i].text, (long long)t);
	}
}

static void test_no_dates(void **state)
{
	static const char *const rows[] = {
		"",
		" ",
		"0",
		"784111777",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 gmt",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 +0000",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun,06 Nov 1994 08:49:37 GMT",
		"sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 94 08:49:37 GMT",
		"Sun, 06 Nov 19940 08:49:37 GMT",
		"Sun, 06 Nov -994 08:49:37 GMT",
		"Sun, 06 Nov 1994 8:49:37 GMT",
		"Sun, 06 Nov 1994 08:49 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 23:60:00 GMT",
		"Sun, 06 Nov 1994 23:59:61 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Sun, 32 Dec 1994 08:49:37 GMT",
		"Thu, 29 Feb 2023 00:00:00 GMT",
		"Thu, 29 Feb 1900 00:00:00 GMT",
		"Thu, 30 Feb 2024 00:00:00 GMT",
		"Xyz, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Xyz 1994 08:49:37 GMT",
		"Sunday, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT",
		"Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun Nov  6 08:49:37 1994 GMT",
		"Sun Nov  6 08:49:37 94",
		"Sun, Nov  6 08:49:37 1994",
		"\"Sun, 06 Nov 1994 08:49:37 GMT\"",
		"1994-11-06T08:49:37Z",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		time_t t = 1;

		if (parse(rows[i], &t) || t != 1)
			fail_msg("accepted: %s", rows[i]);
	}
}

/* No prefix of a date is one: nothing is read past the end, which a sanitizer would see. */
static void test_cut_dates(void **state)
{
	static const char *const rows[] = {
		"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t n = 0; n < strlen(rows[i]); n++) {
			_cleanup_free_ char *cut = malloc(n ? n : 1);
			time_t t;

			assert_non_null(cut);
			memcpy(cut, rows[i], n);
			assert_false(http_date_parse((struct http_text){ cut, n }, NOW, &t));
		}
	}
}

/* Written like strftime() does, and read back, over all that four digits of a year can say. */
static void test_against_library(void **state)
{
	const int64_t first = INT64_C(-62167219200), last = INT64_C(253402300799);
	const int64_t step = 86400 * 13 + 3607;

	(void)state;
	for (int64_t t = first; t <= last; t += step) {
		char expected[64], text[HTTP_DATE_LEN];
		time_t back, when = t;
		struct tm tm;

		assert_non_null(gmtime_r(&when, &tm));
		/* %Y of glibc has no leading zeros */
		strftime(expected, sizeof(expected), "%a, %d %b 0000 %H:%M:%S GMT", &tm);
		for (int i = 0, year = tm.tm_year + 1900; i < 4; i++, year /= 10)
			expected[15 - i] = (char)('0' + year % 10);
		http_date_write(text, when);
		if (memcmp(text, expected, HTTP_DATE_LEN) != 0)
			fail_msg("%.29s is not %s", text, expected);
		assert_true(http_date_parse((struct http_text){ text, HTTP_DATE_LEN }, NOW, &back));
		assert_true(back == when);
	}
}

static void test_every_day_of_an_era(void **state)
{
	(void)state;
	for (int64_t day = 0; day < 146097; day++) {
		const time_t when = (time_t)(946684800 + day * 86400 + 86399);
		char text[HTTP_DATE_LEN];
		time_t back;

		http_date_write(text, when);
		assert_true(http_date_parse((struct http_text){ text, HTTP_DATE_LEN }, NOW, &back));
		assert_true(back == when);
	}
}

static void test_beyond_four_digits(void **state)
{
	static const struct {
		int64_t t;
		const char *text;
	} rows[] = {
		{ INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT" },
		{ INT64_C(-62167219201), "Sat, 01 Jan 0000 00:00:00 GMT" },
		{ INT64_C(253402300800), "Fri, 31 Dec 9999 23:59:59 GMT" },
		{ INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[HTTP_DATE_LEN];

		http_date_write(text, rows[i].t);
		assert_memory_equal(text, rows[i].text, HTTP_DATE_LEN);
	}
}

/* Two digits of a year are near the clock's, whatever it says, or no date. */
static void test_clocks_far_off(void **state)
{
	static const struct {
		const char *text;
		int64_t now;
		bool is_date;
	} rows[] = {
		{ "Sunday, 06-Nov-49 08:49:37 GMT", INT64_MIN, true },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", INT64_MIN, false },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", INT64_MAX, true },
		{ "Sunday, 06-Nov-49 08:49:37 GMT", INT64_MAX, false },
		{ "Fri, 31 Dec 9999 23:59:60 GMT", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_text text = { rows[i].text, strlen(rows[i].text) };
		time_t t;

		if (http_date_parse(text, rows[i].now, &t) != rows[i].is_date)
			fail_msg("row %zu", i);
	}
}

static void test_now(void **state)
{
	char first[HTTP_DATE_LEN];

	(void)state;
	memcpy(first, http_date_now(0), HTTP_DATE_LEN);
	assert_memory_equal(first, "Thu, 01 Jan 1970 00:00:00 GMT", HTTP_DATE_LEN);
	assert_memory_equal(http_date_now(0), first, HTTP_DATE_LEN);
	assert_memory_equal(http_date_now(NOW), "Thu, 01 Jan 2026 00:00:00 GMT", HTTP_DATE_LEN);
	assert_memory_equal(http_date_now(NOW + 1), "Thu, 01 Jan 2026 00:00:01 GMT", HTTP_DATE_LEN);
	assert_memory_equal(http_date_now(0), first, HTTP_DATE_LEN); /* a clock set back */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_no_dates),
		cmocka_unit_test(test_cut_dates),
		cmocka_unit_test(test_against_library),
		cmocka_unit_test(test_every_day_of_an_era),
		cmocka_unit_test(test_beyond_four_digits),
		cmocka_unit_test(test_clocks_far_off),
		cmocka_unit_test(test_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
