/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The head of an HTTP/1.1 request (RFC 9112), judged strictly: what two parsers could read in two
 * ways is refused. Knows bytes in a buffer; neither files nor connections.
 */
#ifndef KTLSD_SERVE_HTTP_REQUEST_H
#define KTLSD_SERVE_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "serve/http_text.h"

enum http_request_method { HTTP_METHOD_GET, HTTP_METHOD_HEAD, HTTP_METHOD_OTHER };

/* The fields that files need, in the order of http_request's array. */
enum http_field {
	HTTP_FIELD_HOST,
	HTTP_FIELD_RANGE,
	HTTP_FIELD_IF_RANGE,
	HTTP_FIELD_IF_MATCH,
	HTTP_FIELD_IF_NONE_MATCH,
	HTTP_FIELD_IF_MODIFIED_SINCE,
	HTTP_FIELD_IF_UNMODIFIED_SINCE,
	HTTP_N_FIELDS,
};

struct http_request {
	enum http_request_method method;
	struct http_text target; /* as sent: origin form, or absolute form (RFC 9112 3.2) */
	struct http_text path;	 /* its path, still percent-encoded, without query; never empty */
	struct http_text field[HTTP_N_FIELDS]; /* trimmed; Host is that of an absolute target */
	bool keep_alive;		       /* the connection may go on after the response */
};

/*
 * The length of the head that begins at buf, up to and with the empty line; 0 if more bytes are
 * needed; -EBADMSG for a line end that is not CRLF, a line that begins with white space, or a byte
 * that no head may have. *scanned is 0 at first and after a head, and carries the place where the
 * next call goes on. Before each call http_skip_empty_lines() takes away what may precede the
 * request line (RFC 9112 2.2).
 */
long http_head_len(const char *buf, size_t len, size_t *scanned);

/* How many bytes of empty lines buf begins with; none unless a request is about to begin. */
size_t http_skip_empty_lines(const char *buf, size_t len);

/*
 * Parses a whole head. Gives 0, or the HTTP status that answers it: 400 for what is no request or
 * is ambiguous (Content-Length and Transfer-Encoding, a repeated field of those above, obsolete
 * folding, white space before a colon, ...), 413 for a body of GET or HEAD, 417 for an expectation,
 * 431 for more than http_parser's 80 KiB, 501 for an unknown method, 505 for another version. After
 * any of these the connection closes, because where the next request begins is not known.
 * r->method is right in any case, so that the answer to HEAD has no body. Known methods that are
 * not GET or HEAD are HTTP_METHOD_OTHER with 0, not kept alive if a body follows: 405 is the
 * caller's.
 */
int http_request_parse(const char *head, size_t len, struct http_request *r);

#endif
