/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The status that conditions and ranges give: each rule of RFC 9110 13 a row, and their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "serve/http_reply.h"

#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define THEN "Sun, 06 Nov 1994 08:49:37 GMT" /* modified */
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"
#define THEN_850 "Sunday, 06-Nov-94 08:49:37 GMT"
#define THEN_ASCTIME "Sun Nov  6 08:49:37 1994"

enum { MODIFIED = 784111777, NOW = MODIFIED + 3600 };

static const struct row {
	const char *fields;
	int get, head; /* status for either method */
} rows[] = {
	{ "", 200, 200 },
	/* 1. If-Match, by strong comparison */
	{ "If-Match: \"x\"", 200, 200 },
	{ "If-Match: *", 200, 200 },
	{ "If-Match: \"y\"", 412, 412 },
	{ "If-Match: W/\"x\"", 412, 412 },
	{ "If-Match: \"y\", \"x\"", 200, 200 },
	{ "If-Match: \"x\",\"y\"", 200, 200 },
	{ "If-Match: W/\"x\", \"x\"", 200, 200 },
	{ "If-Match: ,, \"x\" ,", 200, 200 },
	{ "If-Match: \"a,b\", \"x\"", 200, 200 },
	{ "If-Match: \"y, \"x\"", 412, 412 },
	{ "If-Match:", 412, 412 },
	{ "If-Match: x", 412, 412 },
	{ "If-Match: \"x", 412, 412 },
	{ "If-Match: x\"", 412, 412 },
	{ "If-Match: \"x\" \"y\"", 412, 412 },
	{ "If-Match: \"x\", y", 412, 412 },
	{ "If-Match: \"x\";", 412, 412 },
	{ "If-Match: w/\"x\"", 412, 412 },
	{ "If-Match: W/ \"x\"", 412, 412 },
	{ "If-Match: W/", 412, 412 },
	{ "If-Match: \"X\"", 412, 412 },
	{ "If-Match: \"\"", 412, 412 },
	{ "If-Match: \"x \"", 412, 412 },
	{ "If-Match: *, \"x\"", 412, 412 },
	{ "If-Match: \"*\"", 412, 412 },
	/* 2. If-Unmodified-Since, only without it */
	{ "If-Unmodified-Since: " THEN, 200, 200 },
	{ "If-Unmodified-Since: " AFTER, 200, 200 },
	{ "If-Unmodified-Since: " BEFORE, 412, 412 },
	{ "If-Unmodified-Since: " THEN_850, 200, 200 },
	{ "If-Unmodified-Since: Sunday, 06-Nov-94 08:49:36 GMT", 412, 412 },
	{ "If-Unmodified-Since: Sun Nov  6 08:49:36 1994", 412, 412 },
	{ "If-Unmodified-Since: yesterday", 200, 200 },
	{ "If-Unmodified-Since:", 200, 200 },
	{ "If-Match: \"x\"\r\nIf-Unmodified-Since: " BEFORE, 200, 200 },
	{ "If-Match: \"y\"\r\nIf-Unmodified-Since: " AFTER, 412, 412 },
	/* 3. If-None-Match, by weak comparison */
	{ "If-None-Match: \"x\"", 304, 304 },
	{ "If-None-Match: W/\"x\"", 304, 304 },
	{ "If-None-Match: *", 304, 304 },
	{ "If-None-Match: \"y\"", 200, 200 },
	{ "If-None-Match: \"y\", W/\"x\"", 304, 304 },
	{ "If-None-Match: \"y\",\t\"z\"", 200, 200 },
	{ "If-None-Match: \"\x80\", \"x\"", 304, 304 },
	{ "If-None-Match: x", 200, 200 },
	{ "If-None-Match: \"x\", y", 200, 200 },
	{ "If-None-Match:", 200, 200 },
	/* 4. If-Modified-Since, only without it */
	{ "If-Modified-Since: " THEN, 304, 304 },
	{ "If-Modified-Since: " AFTER, 304, 304 },
	{ "If-Modified-Since: " BEFORE, 200, 200 },
	{ "If-Modified-Since: " THEN_850, 304, 304 },
	{ "If-Modified-Since: " THEN_ASCTIME, 304, 304 },
	{ "If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT", 304, 304 },
	{ "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 CET", 200, 200 },
	{ "If-Modified-Since: " THEN ", " THEN, 200, 200 },
	{ "If-Modified-Since:", 200, 200 },
	{ "If-None-Match: \"y\"\r\nIf-Modified-Since: " AFTER, 200, 200 },
	{ "If-None-Match: y\r\nIf-Modified-Since: " AFTER, 200, 200 },
	{ "If-None-Match: \"x\"\r\nIf-Modified-Since: " BEFORE, 304, 304 },
	/* the first two before the second two */
	{ "If-None-Match: \"x\"\r\nIf-Match: \"y\"", 412, 412 },
	{ "If-None-Match: \"x\"\r\nIf-Match: \"x\"", 304, 304 },
	{ "If-Modified-Since: " AFTER "\r\nIf-Unmodified-Since: " BEFORE, 412, 412 },
	{ "If-Modified-Since: " THEN "\r\nIf-Unmodified-Since: " THEN, 304, 304 },
	/* 5. Range, for GET, and after all of them */
	{ "Range: bytes=0-0", 206, 200 },
	{ "Range: bytes=0-0,2-2", 206, 200 },
	{ "Range: bytes=1000-", 416, 200 },
	{ "Range: bytes=a", 200, 200 },
	{ "Range: lines=0-0", 200, 200 },
	{ "Range:", 200, 200 },
	{ "Range: bytes=0-0\r\nIf-Match: \"y\"", 412, 412 },
	{ "Range: bytes=0-0\r\nIf-Match: \"x\"", 206, 200 },
	{ "Range: bytes=0-0\r\nIf-None-Match: \"x\"", 304, 304 },
	{ "Range: bytes=0-0\r\nIf-None-Match: \"y\"", 206, 200 },
	{ "Range: bytes=1000-\r\nIf-Modified-Since: " THEN, 304, 304 },
	{ "Range: bytes=1000-\r\nIf-Unmodified-Since: " BEFORE, 412, 412 },
	/* If-Range, by strong comparison */
	{ "If-Range: \"x\"", 200, 200 },
	{ "Range: bytes=0-0\r\nIf-Range: \"x\"", 206, 200 },
	{ "Range: bytes=1000-\r\nIf-Range: \"x\"", 416, 200 },
	{ "Range: bytes=0-0\r\nIf-Range: \"y\"", 200, 200 },
	{ "Range: bytes=1000-\r\nIf-Range: \"y\"", 200, 200 },
	{ "Range: bytes=0-0\r\nIf-Range: W/\"x\"", 200, 200 },
	{ "Range: bytes=0-0\r\nIf-Range: \"x\", \"y\"", 200, 200 },
	{ "Range: bytes=0-0\r\nIf-Range: x", 200, 200 },
	{ "Range: bytes=0-0\r\nIf-Range: *", 200, 200 },
	{ "Range: bytes=0-0\r\nIf-Range:", 200, 200 },
	{ "Range: bytes=0-0\r\nIf-Range: " THEN, 206, 200 },
	{ "Range: bytes=0-0\r\nIf-Range: " THEN_850, 206, 200 },
	{ "Range: bytes=0-0\r\nIf-Range: " THEN_ASCTIME, 206, 200 },
	{ "Range: bytes=0-0\r\nIf-Range: " BEFORE, 200, 200 },
	{ "Range: bytes=0-0\r\nIf-Range: " AFTER, 200, 200 },
	{ "Range: bytes=0-0\r\nIf-Range: Sun, 06 Nov 1994", 200, 200 },
};

static int choose(const char *method, const char *fields, const struct http_entity *e, time_t now,
		  struct http_range range[HTTP_RANGES_MAX], int *n)
{
	_cleanup_free_ char *head = NULL;
	struct http_request r;
	int len = asprintf(&head, "%s / HTTP/1.1\r\nHost: a\r\n%s%s\r\n", method, fields,
			   *fields ? "\r\n" : "");

	assert_true(len > 0);
	assert_int_equal(http_request_parse(head, (size_t)len, &r), 0);
	return http_choose_status(&r, e, now, range, n);
}

static void test_rows(void **state)
{
	static const struct http_entity e = { 1000, MODIFIED, "\"x\"", NULL };
	struct http_range range[HTTP_RANGES_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int n = -1, get = choose("GET", rows[i].fields, &e, NOW, range, &n), n_head = -1;
		int head = choose("HEAD", rows[i].fields, &e, NOW, range, &n_head);

		if (get != rows[i].get || head != rows[i].head)
			fail_msg("%s: %d %d", rows[i].fields, get, head);
		assert_true(get == 206 ? n > 0 : !n);
		assert_int_equal(n_head, 0);
	}
}

static void test_ranges_come_out(void **state)
{
	static const struct http_entity e = { 10, MODIFIED, "\"x\"", NULL };
	struct http_range range[HTTP_RANGES_MAX];
	int n;

	(void)state;
	assert_int_equal(choose("GET", "Range: bytes=1-2,-3", &e, NOW, range, &n), 206);
	assert_int_equal(n, 2);
	assert_int_equal(range[0].first, 1);
	assert_int_equal(range[0].len, 2);
	assert_int_equal(range[1].first, 7);
	assert_int_equal(range[1].len, 3);
}

static void test_empty_entity(void **state)
{
	static const struct http_entity e = { 0, MODIFIED, "\"x\"", NULL };
	struct http_range range[HTTP_RANGES_MAX];
	int n;

	(void)state;
	assert_int_equal(choose("GET", "Range: bytes=0-", &e, NOW, range, &n), 416);
	assert_int_equal(choose("GET", "Range: bytes=-0", &e, NOW, range, &n), 416);
	assert_int_equal(choose("GET", "Range: bytes=-1", &e, NOW, range, &n), 200);
}

/* Nothing but "*" matches what has no etag. */
static void test_without_etag(void **state)
{
	static const struct http_entity e = { 10, MODIFIED, "", NULL };
	struct http_range range[HTTP_RANGES_MAX];
	int n;

	(void)state;
	assert_int_equal(choose("GET", "If-Match: *", &e, NOW, range, &n), 200);
	assert_int_equal(choose("GET", "If-Match: \"\"", &e, NOW, range, &n), 412);
	assert_int_equal(choose("GET", "If-None-Match: *", &e, NOW, range, &n), 304);
	assert_int_equal(choose("GET", "If-None-Match: \"\"", &e, NOW, range, &n), 200);
	assert_int_equal(choose("GET", "Range: bytes=0-0\r\nIf-Range:", &e, NOW, range, &n), 200);
}

/* A date is strong for If-Range only once nothing more can be written in its second. */
static void test_young_date(void **state)
{
	static const char fields[] = "Range: bytes=0-0\r\nIf-Range: " THEN;
	static const struct {
		int64_t now;
		int status;
	} ages[] = {
		{ MODIFIED - 1, 200 }, { MODIFIED, 200 },  { MODIFIED + 1, 200 },
		{ MODIFIED + 2, 206 }, { INT64_MAX, 206 }, { INT64_MIN, 200 },
	};
	static const struct http_entity e = { 10, MODIFIED, "\"x\"", NULL };
	struct http_range range[HTTP_RANGES_MAX];
	int n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++)
		assert_int_equal(choose("GET", fields, &e, ages[i].now, range, &n), ages[i].status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	     cmocka_unit_test(test_ranges_come_out),
		cmocka_unit_test(test_empty_entity), cmocka_unit_test(test_without_etag),
		cmocka_unit_test(test_young_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
