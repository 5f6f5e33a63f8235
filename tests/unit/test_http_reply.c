/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Heads of responses, byte by byte, and that they always fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "serve/http_reply.h"

enum { NOW = 784111777 + 3600 };

#define DATE "Date: Sun, 06 Nov 1994 09:49:37 GMT\r\n"
#define HEAD(status) "HTTP/1.1 " status "\r\n" DATE "Server: ktlsd\r\n"
#define MODIFIED "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define GO_ON "Connection: keep-alive\r\n"
#define CLOSE "Connection: close\r\n"
#define PLAIN "Content-Type: text/plain\r\n"

static const struct http_entity entity = {
	.size = 1000,
	.modified = 784111777,
	.etag = "\"x\"",
	.type = "text/css",
};
static const struct http_entity bare = { .size = 0, .modified = 784111777 };
static const struct http_entity future = { .size = 1, .modified = NOW + 1, .etag = "\"x\"" };
static const struct http_range range = { 10, 20 };

static void test_heads(void **state)
{
	static const struct {
		struct http_head head;
		const char *text;
	} rows[] = {
		{ { .status = 200, .entity = &entity, .keep_alive = true },
		  HEAD("200 OK") GO_ON "Content-Length: 1000\r\nContent-Type: text/css\r\n" MODIFIED
				       "ETag: \"x\"\r\nAccept-Ranges: bytes\r\n\r\n" },
		{ { .status = 200, .entity = &entity, .head_only = true },
		  HEAD("200 OK") CLOSE "Content-Length: 1000\r\nContent-Type: text/css\r\n" MODIFIED
				       "ETag: \"x\"\r\nAccept-Ranges: bytes\r\n\r\n" },
		{ { .status = 200, .entity = &bare, .keep_alive = true },
		  HEAD("200 OK") GO_ON "Content-Length: 0\r\n" MODIFIED "Accept-Ranges: "
				       "bytes\r\n\r\n" },
		{ { .status = 200, .entity = &future, .keep_alive = true },
		  HEAD("200 OK") GO_ON "Content-Length: 1\r\n"
				       "Last-Modified: Sun, 06 Nov 1994 09:49:37 GMT\r\n"
				       "ETag: \"x\"\r\nAccept-Ranges: bytes\r\n\r\n" },
		{ { .status = 206, .entity = &entity, .range = &range, .keep_alive = true },
		  HEAD("206 Partial Content") GO_ON "Content-Length: 20\r\nContent-Type: "
						    "text/css\r\n"
						    "Content-Range: bytes 10-29/1000\r\n" MODIFIED
						    "ETag: \"x\"\r\nAccept-Ranges: bytes\r\n\r\n" },
		{ { .status = 206,
		    .entity = &entity,
		    .range = &range,
		    .boundary = "B",
		    .body_len = UINT64_MAX },
		  HEAD("206 Partial Content") CLOSE "Content-Length: 18446744073709551615\r\n"
						    "Content-Type: multipart/byteranges; "
						    "boundary=B\r\n" MODIFIED "ETag: "
						    "\"x\"\r\nAccept-"
						    "Ranges: "
						    "bytes\r\n\r\n" },
		{ { .status = 301, .location = "/a/", .keep_alive = true },
		  HEAD("301 Moved Permanently") GO_ON "Location: /a/\r\n" PLAIN "Content-Length: "
						      "22\r\n\r\n301 "
						      "Moved "
						      "Permanently\n" },
		{ { .status = 301, .location = "/a/", .head_only = true },
		  HEAD("301 Moved Permanently") CLOSE "Location: /a/\r\n" PLAIN "Content-Length: "
						      "22\r\n\r\n" },
		{ { .status = 304, .entity = &entity, .keep_alive = true },
		  HEAD("304 Not Modified") GO_ON "ETag: \"x\"\r\n\r\n" },
		{ { .status = 304, .entity = &bare },
		  HEAD("304 Not Modified") CLOSE MODIFIED "\r\n" },
		{ { .status = 400 },
		  HEAD("400 Bad Request") CLOSE PLAIN "Content-Length: 16\r\n\r\n400 Bad "
						      "Request\n" },
		{ { .status = 404, .keep_alive = true },
		  HEAD("404 Not Found") GO_ON PLAIN "Content-Length: 14\r\n\r\n404 Not Found\n" },
		{ { .status = 404, .entity = &entity, .keep_alive = true },
		  HEAD("404 Not Found") GO_ON PLAIN "Content-Length: 14\r\n\r\n404 Not Found\n" },
		{ { .status = 404, .keep_alive = true, .head_only = true },
		  HEAD("404 Not Found") GO_ON PLAIN "Content-Length: 14\r\n\r\n" },
		{ { .status = 405, .keep_alive = true },
		  HEAD("405 Method Not Allowed") GO_ON "Allow: GET, HEAD\r\n" PLAIN "Content-"
						       "Length: "
						       "23\r\n\r\n405 "
						       "Method Not "
						       "Allowed\n" },
		{ { .status = 412, .entity = &entity, .keep_alive = true },
		  HEAD("412 Precondition Failed") GO_ON PLAIN "Content-Length: 24\r\n\r\n412 "
							      "Precondition Failed\n" },
		{ { .status = 416, .entity = &entity, .keep_alive = true },
		  HEAD("416 Range Not Satisfiable") GO_ON "Content-Range: bytes */1000\r\n" PLAIN
							  "Content-Length: 26\r\n\r\n416 Range Not "
							  "Satisfiable\n" },
		{ { .status = 416, .entity = &bare, .keep_alive = true },
		  HEAD("416 Range Not Satisfiable") GO_ON "Content-Range: bytes */0\r\n" PLAIN
							  "Content-Length: 26\r\n\r\n416 Range Not "
							  "Satisfiable\n" },
		{ { .status = 505 },
		  HEAD("505 HTTP Version Not Supported") CLOSE PLAIN "Content-Length: "
								     "31\r\n\r\n505 HTTP Version "
								     "Not Supported\n" },
		{ { .status = 599 },
		  HEAD("500 Internal Server Error") CLOSE PLAIN "Content-Length: 26\r\n\r\n500 "
								"Internal Server Error\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_head head = rows[i].head;
		char buf[HTTP_HEAD_MAX];
		size_t n;

		head.now = NOW;
		n = http_write_head(buf, &head);
		if (n != strlen(rows[i].text) || memcmp(buf, rows[i].text, n) != 0)
			fail_msg("row %zu:\n%.*s\nis not\n%s", i, (int)n, buf, rows[i].text);
	}
}

/* Every status that parsing, choosing and files give has its own line. */
static void test_statuses(void **state)
{
	static const int statuses[] = { 200, 206, 301, 304, 400, 403, 404, 405, 408, 412,
					413, 414, 416, 417, 421, 431, 500, 501, 503, 505 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct http_head head = { .status = statuses[i],
					  .entity = &entity,
					  .range = &range,
					  .location = "/",
					  .now = NOW };
		char buf[HTTP_HEAD_MAX], expected[16];

		assert_true(http_write_head(buf, &head) > 0);
		snprintf(expected, sizeof(expected), "HTTP/1.1 %d ", statuses[i]);
		assert_memory_equal(buf, expected, strlen(expected));
	}
}

/* The longest of everything still ends as it should. */
static void test_longest(void **state)
{
	static const struct http_range far = { UINT64_MAX - 2, 2 };
	struct http_entity longest = { .size = UINT64_MAX, .modified = INT64_MAX };
	struct http_head head = { .status = 206, .entity = &longest, .range = &far, .now = NOW };
	char boundary[HTTP_BOUNDARY_MAX], location[HTTP_LOCATION_MAX];
	char buf[HTTP_HEAD_MAX], type[HTTP_TYPE_MAX + 1];
	size_t n;

	(void)state;
	memset(longest.etag, 'e', sizeof(longest.etag)); /* it has no NUL */
	memset(type, 't', sizeof(type));
	memset(boundary, 'b', sizeof(boundary)); /* nor this one */
	type[HTTP_TYPE_MAX - 1] = '\0';
	longest.type = type;
	head.keep_alive = true;
	head.location = location;
	n = http_write_head(buf, &head);
	assert_in_range(n, 500, sizeof(buf) - 1);
	assert_memory_equal(buf + n - 4, "\r\n\r\n", 4);
	assert_non_null(memmem(buf, n, type, strlen(type)));
	assert_non_null(memmem(buf, n,
			       "bytes 18446744073709551613-18446744073709551614/"
			       "18446744073709551615\r\n",
			       70));
	head.boundary = boundary;
	head.body_len = UINT64_MAX;
	n = http_write_head(buf, &head);
	assert_in_range(n, 300, sizeof(buf) - 1);
	assert_memory_equal(buf + n - 4, "\r\n\r\n", 4);
	n = http_write_part(buf, &longest, &far, boundary);
	assert_in_range(n, 300, sizeof(buf) - 1);
	assert_memory_equal(buf + n - 4, "\r\n\r\n", 4);
	head.boundary = NULL;
	head.status = 301;
	memset(location, '/', sizeof(location)); /* nor this */
	n = http_write_head(buf, &head);
	assert_in_range(n, HTTP_LOCATION_MAX + 150, sizeof(buf) - 1);
	assert_memory_equal(buf + n - 22, "301 Moved Permanently\n", 22);
	head.status = 206;
	/* a longer type is not sent */
	type[HTTP_TYPE_MAX - 1] = 't';
	type[HTTP_TYPE_MAX] = '\0';
	n = http_write_head(buf, &head);
	assert_null(memmem(buf, n, "Content-Type", 12));
	assert_memory_equal(buf + n - 4, "\r\n\r\n", 4);
}

static void test_parts(void **state)
{
	static const char part[] = "\r\n--B\r\nContent-Type: text/css\r\n"
				   "Content-Range: bytes 10-29/1000\r\n\r\n";
	static const char untyped[] = "\r\n--B\r\nContent-Range: bytes 10-29/0\r\n\r\n";
	static const char closing[] = "\r\n--B--\r\n";
	char buf[HTTP_HEAD_MAX];

	(void)state;
	assert_int_equal(http_write_part(buf, &entity, &range, "B"), strlen(part));
	assert_memory_equal(buf, part, strlen(part));
	assert_int_equal(http_write_part(buf, &bare, &range, "B"), strlen(untyped));
	assert_memory_equal(buf, untyped, strlen(untyped));
	assert_int_equal(http_write_part(buf, &entity, NULL, "B"), strlen(closing));
	assert_memory_equal(buf, closing, strlen(closing));
}

static void test_etags(void **state)
{
	static const struct timespec last = { INT64_MAX, 999999999 }, early = { -1, 0 };
	char etag[HTTP_ETAG_MAX], other[HTTP_ETAG_MAX];

	(void)state;
	http_make_etag(etag, 0, (struct timespec){ 0, 0 }, 0);
	assert_string_equal(etag, "\"0-0.0-0\"");
	http_make_etag(etag, 255, (struct timespec){ 0x10, 10 }, 0xabc);
	assert_string_equal(etag, "\"ff-10.a-abc\"");
	http_make_etag(etag, UINT64_MAX, last, UINT64_MAX);
	assert_string_equal(etag, "\"ffffffffffffffff-7fffffffffffffff.3b9ac9ff-"
				  "ffffffffffffffff\"");
	http_make_etag(etag, UINT64_MAX, early, UINT64_MAX);
	assert_string_equal(etag, "\"ffffffffffffffff-ffffffffffffffff.0-ffffffffffffffff\"");
	/* neither numbers run together nor nanoseconds are lost */
	http_make_etag(etag, 1, (struct timespec){ 0x11, 0 }, 1);
	http_make_etag(other, 0x11, (struct timespec){ 1, 0 }, 1);
	assert_string_not_equal(etag, other);
	http_make_etag(other, 1, (struct timespec){ 0x11, 1 }, 1);
	assert_string_not_equal(etag, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),	cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_longest), cmocka_unit_test(test_parts),
		cmocka_unit_test(test_etags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
