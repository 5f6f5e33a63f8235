/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Request heads: where they end, and what is taken. test_http_refused has what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "serve/http_request.h"

#define HOST "Host: a.example\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define OLD "GET / HTTP/1.0\r\n"
#define POST "POST / HTTP/1.1\r\n" HOST

/* Text with NULs and its length. */
#define BYTES(text) (text), sizeof(text) - 1

/* Parses a copy that ends where the head ends, so that a sanitizer sees what reads on. */
static int parse(const char *head, size_t len, struct http_request *r, char **copy)
{
	*copy = malloc(len ? len : 1);
	assert_non_null(*copy);
	memcpy(*copy, head, len);
	return http_request_parse(*copy, len, r);
}

static void assert_text(struct http_text text, const char *expected)
{
	if (!expected) {
		assert_null(text.data);
		return;
	}
	assert_non_null(text.data);
	if (text.len != strlen(expected) || memcmp(text.data, expected, text.len) != 0)
		fail_msg("\"%.*s\" is not \"%s\"", (int)text.len, text.data, expected);
}

static void test_head_ends(void **state)
{
	static const struct {
		const char *text;
		long expected;
	} rows[] = {
		{ "", 0 },
		{ "G", 0 },
		{ "GET / HTTP/1.1", 0 },
		{ "GET / HTTP/1.1\r", 0 },
		{ "GET / HTTP/1.1\r\n", 0 },
		{ "GET / HTTP/1.1\r\n\r", 0 },
		{ "GET / HTTP/1.1\r\n\r\n", 18 },
		{ "GET / HTTP/1.1\r\n\r\nGET", 18 },
		{ "GET / HTTP/1.1\r\n\r\n\n", 18 },
		{ "A\r\nB: c\td\r\n\r\n", 13 },
		{ "A\r\nB: \x80\xff\r\n\r\n", 12 },
		{ "\r\n", 2 }, /* for who does not skip empty lines */
		{ "\r", 0 },
		{ "\n", -EBADMSG },
		{ "A\n", -EBADMSG },
		{ "A\r\nB: c\n\r\n", -EBADMSG },
		{ "A\r\n\n", -EBADMSG },
		{ "A\r\n\rB", -EBADMSG },
		{ "A\rB\r\n\r\n", -EBADMSG },
		{ "A\r\r\n\r\n", -EBADMSG },
		{ " A\r\n\r\n", -EBADMSG },
		{ "A\r\n B\r\n\r\n", -EBADMSG },
		{ "A\r\n\tB\r\n\r\n", -EBADMSG },
		{ "A\r\n \r\n\r\n", -EBADMSG },
		{ "A\r\nB: \x01\r\n\r\n", -EBADMSG },
		{ "A\r\nB: \x1f\r\n\r\n", -EBADMSG },
		{ "A\r\nB: \x7f\r\n\r\n", -EBADMSG },
		{ "A\r\nB: \x0b\r\n\r\n", -EBADMSG },
		{ "A\x08\r\n\r\n", -EBADMSG },
		{ "\x16\x03\x01", -EBADMSG }, /* TLS within TLS */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t scanned = 0, len = strlen(rows[i].text);
		long result = http_head_len(rows[i].text, len, &scanned);

		if (result != rows[i].expected)
			fail_msg("row %zu: %ld", i, result);
		/* byte by byte it is the same, and never looked at twice */
		scanned = 0;
		result = 0;
		for (size_t n = 0; n <= len && !result; n++) {
			result = http_head_len(rows[i].text, n, &scanned);
			assert_true(result || n - scanned <= 1);
		}
		assert_int_equal(result, rows[i].expected);
		assert_true(result <= 0 || !scanned);
	}
}

static void test_nul_is_no_text(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nA: b\0c\r\n\r\n";
	size_t scanned = 0;

	(void)state;
	assert_int_equal(http_head_len(head, sizeof(head) - 1, &scanned), -EBADMSG);
	assert_int_equal(http_head_len("\0", 1, &scanned), -EBADMSG);
}

static void test_empty_lines(void **state)
{
	(void)state;
	assert_int_equal(http_skip_empty_lines(BYTES("")), 0);
	assert_int_equal(http_skip_empty_lines(BYTES("\r")), 0);
	assert_int_equal(http_skip_empty_lines(BYTES("\r\n")), 2);
	assert_int_equal(http_skip_empty_lines(BYTES("\r\n\r\n\r")), 4);
	assert_int_equal(http_skip_empty_lines(BYTES("\r\nGET")), 2);
	assert_int_equal(http_skip_empty_lines(BYTES("\n\r\n")), 0);
	assert_int_equal(http_skip_empty_lines(BYTES("GET\r\n")), 0);
}

static void test_keep_alive(void **state)
{
	static const struct {
		const char *head;
		bool keep_alive;
	} rows[] = {
		{ GET "\r\n", true },
		{ GET "Connection: close\r\n\r\n", false },
		{ GET "Connection: CLOSE\r\n\r\n", false },
		{ GET "Connection:close\r\n\r\n", false },
		{ GET "connection: keep-alive\r\n\r\n", true },
		{ GET "Connection: keep-alive, close\r\n\r\n", false },
		{ GET "Connection: close,keep-alive\r\n\r\n", false },
		{ GET "Connection: , ,\tclose ,\r\n\r\n", false },
		{ GET "Connection: a\r\nConnection: close\r\n\r\n", false },
		{ GET "Connection: close\r\nConnection: a\r\n\r\n", false },
		{ GET "Connection: closed\r\n\r\n", true },
		{ GET "Connection: not close\r\n\r\n", true },
		{ GET "Connection:\r\n\r\n", true },
		{ GET "Proxy-Connection: close\r\n\r\n", true },
		{ GET "Content-Length: 0\r\n\r\n", true },
		{ GET "Content-Length: 000\r\n\r\n", true },
		{ OLD "\r\n", false },
		{ OLD HOST "\r\n", false },
		{ OLD "Connection: Keep-Alive\r\n\r\n", true },
		{ OLD "Connection: keep-alive, close\r\n\r\n", false },
		{ OLD "Connection: close, keep-alive\r\n\r\n", false },
		{ OLD "Proxy-Connection: keep-alive\r\n\r\n", false },
		{ OLD "Keep-Alive: 300\r\n\r\n", false },
		{ "GET / HTTP/1.2\r\n" HOST "\r\n", true }, /* as 1.1: RFC 9110 2.5 */
		{ GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
		      "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
		  true },
		{ GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *copy = NULL;
		struct http_request r;

		if (parse(rows[i].head, strlen(rows[i].head), &r, &copy) != 0 ||
		    r.keep_alive != rows[i].keep_alive)
			fail_msg("row %zu", i);
		assert_int_equal(r.method, HTTP_METHOD_GET);
		assert_text(r.path, "/");
	}
}

static void test_methods(void **state)
{
	static const struct {
		const char *head;
		int status;
		enum http_request_method method;
		bool keep_alive;
	} rows[] = {
		{ GET "\r\n", 0, HTTP_METHOD_GET, true },
		{ "HEAD / HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_METHOD_HEAD, true },
		{ POST "\r\n", 0, HTTP_METHOD_OTHER, true },
		{ POST "Content-Length: 0\r\n\r\n", 0, HTTP_METHOD_OTHER, true },
		{ POST "Content-Length: 5\r\n\r\n", 0, HTTP_METHOD_OTHER, false },
		{ POST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", 0, HTTP_METHOD_OTHER,
		  false },
		{ POST "Transfer-Encoding: chunked\r\n\r\n", 0, HTTP_METHOD_OTHER, false },
		{ "DELETE / HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_METHOD_OTHER, true },
		{ "OPTIONS / HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_METHOD_OTHER, true },
		{ "M-SEARCH / HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_METHOD_OTHER, true },
		{ "TRACE / HTTP/1.1\r\n" HOST "\r\n", 0, HTTP_METHOD_OTHER, true },
		{ "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 400, HTTP_METHOD_OTHER, false },
		{ "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", 400, HTTP_METHOD_OTHER, false },
		{ "CONNECT / HTTP/1.1\r\n" HOST "\r\n", 400, HTTP_METHOD_OTHER, false },
		{ "BREW / HTTP/1.1\r\n" HOST "\r\n", 501, HTTP_METHOD_OTHER, false },
		{ "GETS / HTTP/1.1\r\n" HOST "\r\n", 501, HTTP_METHOD_OTHER, false },
		{ "get / HTTP/1.1\r\n" HOST "\r\n", 501, HTTP_METHOD_OTHER, false },
		{ "Head / HTTP/1.1\r\n" HOST "\r\n", 501, HTTP_METHOD_OTHER, false },
		{ "HEAD / HTTP/3.0\r\n\r\n", 505, HTTP_METHOD_HEAD, false },
		{ "HEAD / HTTP/1.1\r\n\r\n", 400, HTTP_METHOD_HEAD, false },
		{ "GE(T / HTTP/1.1\r\n" HOST "\r\n", 400, HTTP_METHOD_OTHER, false },
		{ "G\xc3\xbcT / HTTP/1.1\r\n" HOST "\r\n", 400, HTTP_METHOD_OTHER, false },
		{ "GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400, HTTP_METHOD_OTHER, false },
		{ "GET\r\n\r\n", 400, HTTP_METHOD_OTHER, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *copy = NULL;
		struct http_request r;
		int status = parse(rows[i].head, strlen(rows[i].head), &r, &copy);

		if (status != rows[i].status || r.method != rows[i].method ||
		    r.keep_alive != rows[i].keep_alive)
			fail_msg("row %zu: %d", i, status);
	}
}

static void test_fields(void **state)
{
	static const char head[] = "HEAD /a HTTP/1.1\r\nRANGE:bytes=0-1\r\nhost:\t b \t\r\n"
				   "If-Range: \r\nIf-Match: \"a\", W/\"b\"\r\nX-Other: \x80 \r\n"
				   "If-None-Match:\t*\r\nExpect: 100-Continue\r\nExpect:\r\n"
				   "If-Modified-Since: c d\r\nIf-Unmodified-Since:e\r\n\r\n";
	static const char *const expected[HTTP_N_FIELDS] = {
		[HTTP_FIELD_HOST] = "b",
		[HTTP_FIELD_RANGE] = "bytes=0-1",
		[HTTP_FIELD_IF_RANGE] = "",
		[HTTP_FIELD_IF_MATCH] = "\"a\", W/\"b\"",
		[HTTP_FIELD_IF_NONE_MATCH] = "*",
		[HTTP_FIELD_IF_MODIFIED_SINCE] = "c d",
		[HTTP_FIELD_IF_UNMODIFIED_SINCE] = "e",
	};
	_cleanup_free_ char *copy = NULL;
	struct http_request r;

	(void)state;
	assert_int_equal(parse(head, sizeof(head) - 1, &r, &copy), 0);
	for (size_t i = 0; i < HTTP_N_FIELDS; i++)
		assert_text(r.field[i], expected[i]);
}

static void test_absent_fields(void **state)
{
	struct http_request r;

	(void)state;
	memset(&r, 0xaa, sizeof(r));
	assert_int_equal(http_request_parse(BYTES(OLD "\r\n"), &r), 0);
	for (size_t i = 0; i < HTTP_N_FIELDS; i++)
		assert_text(r.field[i], NULL);
}

/* More than http_parser takes, whatever the caller's buffer holds. */
static void test_large_head(void **state)
{
	static const char end[] = "\r\n\r\n";
	const size_t lens[] = { 60 * 1024, 100 * 1024 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		_cleanup_free_ char *head = malloc(lens[i]);
		struct http_request r;

		assert_non_null(head);
		memset(head, 'a', lens[i]);
		memcpy(head, GET "A: ", strlen(GET "A: "));
		memcpy(head + lens[i] - strlen(end), end, strlen(end));
		assert_int_equal(http_request_parse(head, lens[i], &r), i ? 431 : 0);
	}
}

/* A head cut anywhere is no head; none of its beginnings is parsed as one. */
static void test_cut_at_every_byte(void **state)
{
	static const char head[] = "GET http://b/c?d HTTP/1.1\r\nHost: b\r\nRange: bytes=0-0\r\n"
				   "Connection: keep-alive\r\nContent-Length: 0\r\n\r\n";

	(void)state;
	for (size_t n = 0; n < sizeof(head); n++) {
		_cleanup_free_ char *copy = NULL;
		struct http_request r;
		size_t scanned = 0;
		const bool is_whole = n == sizeof(head) - 1;

		assert_int_equal(http_head_len(head, n, &scanned), is_whole ? n : 0);
		assert_int_equal(parse(head, n, &r, &copy), is_whole ? 0 : 400);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head_ends),	  cmocka_unit_test(test_nul_is_no_text),
		cmocka_unit_test(test_empty_lines),	  cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_methods),		  cmocka_unit_test(test_fields),
		cmocka_unit_test(test_absent_fields),	  cmocka_unit_test(test_large_head),
		cmocka_unit_test(test_cut_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
