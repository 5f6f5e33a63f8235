/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Request heads that are refused: smuggling shapes and what else is no request for files. */
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

/* Text, with NULs, and its length. */
#define BYTES(text) (text), sizeof(text) - 1

/* Every shape that is refused, with the status that answers it. */
static void test_refused(void **state)
{
	static const struct {
		const char *head;
		size_t len;
		int status;
	} rows[] = {
		/* line ends and bytes */
		{ BYTES(""), 400 },
		{ BYTES("\r\n"), 400 },
		{ BYTES("GET / HTTP/1.1\n" HOST "\r\n"), 400 },
		{ BYTES("GET / HTTP/1.1\r\nHost: a\n\r\n"), 400 },
		{ BYTES("GET / HTTP/1.1\r\nHost: a\r\n\n"), 400 },
		{ BYTES("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"), 400 },
		{ BYTES("GET / HTTP/1.1\r\nHost: a\rA: b\r\n\r\n"), 400 },
		{ BYTES(GET "A: b\0c\r\n\r\n"), 400 },
		{ BYTES(GET "A\0: b\r\n\r\n"), 400 },
		{ BYTES(GET "A: \x1b[0m\r\n\r\n"), 400 },
		{ BYTES(GET "A: \x7f\r\n\r\n"), 400 },
		{ BYTES(GET), 400 },	     /* not whole */
		{ BYTES(GET "\r\nA"), 400 }, /* more than whole */
		{ BYTES(GET "\r\n\r\n"), 400 },
		{ BYTES("\r\n" GET "\r\n"), 400 },
		/* the request line */
		{ BYTES("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400 },
		{ BYTES("GET /  HTTP/1.1\r\n" HOST "\r\n"), 400 },
		{ BYTES("GET / HTTP/1.1 \r\n" HOST "\r\n"), 400 },
		{ BYTES("GET / HTTP/1.1\t\r\n" HOST "\r\n"), 400 },
		{ BYTES(" GET / HTTP/1.1\r\n" HOST "\r\n"), 400 },
		{ BYTES("GET / / HTTP/1.1\r\n" HOST "\r\n"), 400 },
		{ BYTES("GET / http/1.1\r\n" HOST "\r\n"), 400 },
		{ BYTES("GET / HTTP/1\r\n" HOST "\r\n"), 400 },
		{ BYTES("GET / HTTP/1.\r\n" HOST "\r\n"), 400 },
		{ BYTES("GET / HTTP/11.1\r\n" HOST "\r\n"), 400 },
		{ BYTES("GET / HTTP/1.10\r\n" HOST "\r\n"), 400 },
		{ BYTES("GET / HTTP/01.1\r\n" HOST "\r\n"), 400 },
		{ BYTES("GET / HTTP/1,1\r\n" HOST "\r\n"), 400 },
		{ BYTES("GET / HTTP/-1.1\r\n" HOST "\r\n"), 400 },
		{ BYTES("GET / ICE/1.0\r\n\r\n"), 400 },
		{ BYTES("SOURCE / ICE/1.0\r\n\r\n"), 400 },
		{ BYTES("HTTP/1.1 200 OK\r\n\r\n"), 400 },
		/* versions */
		{ BYTES("GET /\r\n\r\n"), 505 }, /* HTTP/0.9 */
		{ BYTES("GET / HTTP/0.9\r\n\r\n"), 505 },
		{ BYTES("GET / HTTP/2.0\r\n" HOST "\r\n"), 505 },
		{ BYTES("GET / HTTP/9.9\r\n" HOST "\r\n"), 505 },
		{ BYTES("PRI * HTTP/2.0\r\n\r\n"), 505 },
		{ BYTES("PRI * HTTP/1.1\r\n" HOST "\r\n"), 501 },
		/* field names */
		{ BYTES(GET "A : b\r\n\r\n"), 400 },
		{ BYTES(GET "A\t: b\r\n\r\n"), 400 },
		{ BYTES(GET "Content-Length : 0\r\n\r\n"), 400 },
		{ BYTES(GET "Transfer-Encoding : chunked\r\n\r\n"), 400 },
		{ BYTES(GET "A B: c\r\n\r\n"), 400 },
		{ BYTES(GET ": b\r\n\r\n"), 400 },
		{ BYTES(GET "A\r\n\r\n"), 400 },
		{ BYTES(GET "A(b): c\r\n\r\n"), 400 },
		{ BYTES(GET "A/b: c\r\n\r\n"), 400 },
		{ BYTES(GET "A@b: c\r\n\r\n"), 400 },
		{ BYTES(GET "\"A\": c\r\n\r\n"), 400 },
		{ BYTES(GET "\xc3\xbc: c\r\n\r\n"), 400 },
		/* folding */
		{ BYTES(GET "A: b\r\n c\r\n\r\n"), 400 },
		{ BYTES(GET "A: b\r\n\tc\r\n\r\n"), 400 },
		{ BYTES(GET "A:\r\n b\r\n\r\n"), 400 },
		{ BYTES(GET "A: b\r\n \r\n\r\n"), 400 },
		{ BYTES(GET "A:\r\n \r\n\r\n"), 400 },
		{ BYTES("GET / HTTP/1.1\r\n " HOST "\r\n"), 400 },
		{ BYTES(GET "Transfer-Encoding:\r\n chunked\r\n\r\n"), 400 },
		/* Host */
		{ BYTES("GET / HTTP/1.1\r\n\r\n"), 400 },
		{ BYTES("GET / HTTP/1.2\r\n\r\n"), 400 },
		{ BYTES("GET http://a/ HTTP/1.1\r\n\r\n"), 400 },
		{ BYTES(GET HOST "\r\n"), 400 },
		{ BYTES(GET "host: a.example\r\n\r\n"), 400 },
		{ BYTES(GET "Host: b\r\n\r\n"), 400 },
		{ BYTES(GET "Host:\r\n\r\n"), 400 },
		{ BYTES("GET / HTTP/1.1\r\nHost:\r\n" HOST "\r\n"), 400 },
		{ BYTES("GET http://a/ HTTP/1.1\r\nHost: b@c\r\n\r\n"), 400 },
		{ BYTES(OLD HOST HOST "\r\n"), 400 },
		{ BYTES(OLD "Host: b@c\r\n\r\n"), 400 },
		/* Content-Length */
		{ BYTES(GET "Content-Length: 1\r\n\r\n"), 413 },
		{ BYTES(GET "content-length:1844674407370955159\r\n\r\n"), 413 },
		{ BYTES("HEAD / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n"), 413 },
		{ BYTES(OLD "Content-Length: 1\r\n\r\n"), 413 },
		{ BYTES(GET "Content-Length: 18446744073709551615\r\n\r\n"), 400 },
		{ BYTES(GET "Content-Length: 18446744073709551616\r\n\r\n"), 400 },
		{ BYTES(GET "Content-Length:\r\n\r\n"), 400 },
		{ BYTES(GET "Content-Length: -0\r\n\r\n"), 400 },
		{ BYTES(GET "Content-Length: +0\r\n\r\n"), 400 },
		{ BYTES(GET "Content-Length: 0x0\r\n\r\n"), 400 },
		{ BYTES(GET "Content-Length: 0 0\r\n\r\n"), 400 },
		{ BYTES(GET "Content-Length: 0, 0\r\n\r\n"), 400 },
		{ BYTES(GET "Content-Length: 0,\r\n\r\n"), 400 },
		{ BYTES(GET "Content-Length: \"0\"\r\n\r\n"), 400 },
		{ BYTES(GET "Content-Length: 0\r\nContent-Length: 0\r\n\r\n"), 400 },
		{ BYTES(GET "Content-Length: 0\r\ncontent-length: 5\r\n\r\n"), 400 },
		{ BYTES(GET "Content-Length: 5\r\nContent-Length: 0\r\n\r\n"), 400 },
		{ BYTES(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), 400 },
		{ BYTES(POST "Content-Length: 5;\r\n\r\n"), 400 },
		/* Transfer-Encoding */
		{ BYTES(GET "Transfer-Encoding: chunked\r\n\r\n"), 413 },
		{ BYTES(GET "Transfer-Encoding: CHUNKED\r\n\r\n"), 413 },
		{ BYTES(GET "Transfer-Encoding:\r\n\r\n"), 400 },
		{ BYTES(GET "Transfer-Encoding: identity\r\n\r\n"), 400 },
		{ BYTES(GET "Transfer-Encoding: xchunked\r\n\r\n"), 400 },
		{ BYTES(GET "Transfer-Encoding: chunked;a=b\r\n\r\n"), 400 },
		{ BYTES(GET "Transfer-Encoding: gzip, chunked\r\n\r\n"), 400 },
		{ BYTES(GET "Transfer-Encoding: chunked, gzip\r\n\r\n"), 400 },
		{ BYTES(GET "Transfer-Encoding: chunked, chunked\r\n\r\n"), 400 },
		{ BYTES(GET "Transfer-Encoding: \"chunked\"\r\n\r\n"), 400 },
		{ BYTES(GET "Transfer-Encoding: \x0b"
			    "chunked\r\n\r\n"),
		  400 },
		{ BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"), 400 },
		{ BYTES(POST "Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n"),
		  400 },
		{ BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), 400 },
		{ BYTES(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
		{ BYTES(POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
		{ BYTES(POST "Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\n"), 400 },
		{ BYTES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
		/* Expect */
		{ BYTES(GET "Expect: 200-ok\r\n\r\n"), 417 },
		{ BYTES(GET "Expect: 100-continue, a=b\r\n\r\n"), 417 },
		{ BYTES(GET "Expect: 100-continue\r\nExpect: a\r\n\r\n"), 417 },
		{ BYTES(POST "Content-Length: 5\r\nExpect: a\r\n\r\n"), 417 },
		{ BYTES(GET "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"), 413 },
		/* fields that come once */
		{ BYTES(GET "Range: bytes=0-0\r\nRange: bytes=1-1\r\n\r\n"), 400 },
		{ BYTES(GET "If-Range: \"a\"\r\nif-range: \"a\"\r\n\r\n"), 400 },
		{ BYTES(GET "If-Match: *\r\nIf-Match: *\r\n\r\n"), 400 },
		{ BYTES(GET "If-None-Match: \"a\"\r\nIf-None-Match: \"b\"\r\n\r\n"), 400 },
		{ BYTES(GET "If-Modified-Since: a\r\nIf-Modified-Since: b\r\n\r\n"), 400 },
		{ BYTES(GET "If-Unmodified-Since:\r\nIf-Unmodified-Since:\r\n\r\n"), 400 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		/* ends where the head ends, so that a sanitizer sees what reads on */
		_cleanup_free_ char *copy = NULL;
		struct http_request r;
		int status;

		copy = malloc(rows[i].len ? rows[i].len : 1);
		assert_non_null(copy);
		memcpy(copy, rows[i].head, rows[i].len);
		status = http_request_parse(copy, rows[i].len, &r);
		if (status != rows[i].status)
			fail_msg("row %zu (%s): %d", i, rows[i].head, status);
		assert_false(r.keep_alive);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
