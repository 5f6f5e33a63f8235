/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Request heads: http_parser splits them, this file judges the pieces. The library as Debian builds
 * it is the lenient one (HTTP_PARSER_STRICT=0), hence it is believed in nothing but where the
 * pieces are.
 */
#include "serve/http_request.h"

#include <errno.h>
#include <string.h>

#include <http_parser.h>

#include "base/util.h"
#include "serve/http_target.h"

struct parse {
	struct http_request *r;
	struct http_text name; /* of the field whose value comes next */
	bool has_name, is_complete;
	bool has_length, has_transfer_encoding, has_body;
	bool wants_close, wants_keep_alive, wants_other; /* Connection, Expect */
	int status;					 /* of the first thing refused, or 0 */
};

/* ---- the end of a head ---- */

long http_head_len(const char *buf, size_t len, size_t *scanned)
{
	size_t at;

	for (at = *scanned; at < len; at++) {
		unsigned char c = (unsigned char)buf[at];
		bool is_first;

		if (c > ' ' && c != 0x7f)
			continue;
		is_first = !at || buf[at - 1] == '\n';
		if (http_is_blank((char)c) && !is_first)
			continue;
		if (c != '\r')
			return -EBADMSG;
		if (at + 1 == len)
			break;
		if (buf[++at] != '\n')
			return -EBADMSG;
		if (is_first) {
			*scanned = 0;
			return (long)at + 1;
		}
	}
	*scanned = at;
	return 0;
}

size_t http_skip_empty_lines(const char *buf, size_t len)
{
	size_t at = 0;

	while (len - at >= 2 && buf[at] == '\r' && buf[at + 1] == '\n')
		at += 2;
	return at;
}

/* ---- fields ---- */

static int take_connection(struct parse *p, struct http_text value)
{
	struct http_text option;

	while (http_list_next(&value, &option)) {
		p->wants_close |= http_text_is(option, "close");
		p->wants_keep_alive |= http_text_is(option, "keep-alive");
	}
	return 0;
}

/* Once, and digits only: a list of equal ones MAY be refused (RFC 9112 6.3), so it is. */
static int take_content_length(struct parse *p, struct http_text value)
{
	if (p->has_length || !value.len)
		return 400;
	p->has_length = true;
	for (size_t i = 0; i < value.len; i++) {
		if (!http_is_digit(value.data[i]))
			return 400;
		p->has_body |= value.data[i] != '0';
	}
	return 0;
}

/* Another last coding than chunked leaves the end of the body unknown (RFC 9112 6.3). */
static int take_transfer_encoding(struct parse *p, struct http_text value)
{
	if (p->has_transfer_encoding || !http_text_is(value, "chunked"))
		return 400;
	p->has_transfer_encoding = p->has_body = true;
	return 0;
}

static int take_expect(struct parse *p, struct http_text value)
{
	struct http_text expectation;

	while (http_list_next(&value, &expectation))
		p->wants_other |= !http_text_is(expectation, "100-continue");
	return 0;
}

static int take_field(struct parse *p, struct http_text name, struct http_text value)
{
	static const struct {
		const char *name;
		int (*take)(struct parse *p, struct http_text value);
	} own[] = {
		{ "connection", take_connection },
		{ "content-length", take_content_length },
		{ "expect", take_expect },
		{ "transfer-encoding", take_transfer_encoding },
	};
	static const char *const passed_on[HTTP_N_FIELDS] = {
		[HTTP_FIELD_HOST] = "host",
		[HTTP_FIELD_RANGE] = "range",
		[HTTP_FIELD_IF_RANGE] = "if-range",
		[HTTP_FIELD_IF_MATCH] = "if-match",
		[HTTP_FIELD_IF_NONE_MATCH] = "if-none-match",
		[HTTP_FIELD_IF_MODIFIED_SINCE] = "if-modified-since",
		[HTTP_FIELD_IF_UNMODIFIED_SINCE] = "if-unmodified-since",
	};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (http_text_is(name, own[i].name))
			return own[i].take(p, value);
	for (size_t i = 0; i < HTTP_N_FIELDS; i++) {
		if (!http_text_is(name, passed_on[i]))
			continue;
		if (p->r->field[i].data)
			return 400;
		p->r->field[i] = value;
	}
	return 0;
}

/* ---- what http_parser calls; anything but 0 ends it ---- */

static int on_url(http_parser *parser, const char *at, size_t len)
{
	struct parse *p = parser->data;

	p->status = p->r->target.data ? 400 : 0;
	p->r->target = (struct http_text){ at, len };
	return p->status;
}

static int on_header_field(http_parser *parser, const char *at, size_t len)
{
	struct parse *p = parser->data;

	p->name = (struct http_text){ at, len };
	/* no blank before the colon, which it would forgive */
	if (p->has_name || p->is_complete || !http_text_is_token(p->name) || at[len] != ':')
		p->status = 400;
	p->has_name = true;
	return p->status;
}

static int on_header_value(http_parser *parser, const char *at, size_t len)
{
	struct parse *p = parser->data;
	struct http_text value = http_text_trim((struct http_text){ at, len });

	p->status = p->has_name ? take_field(p, p->name, value) : 400;
	p->has_name = false;
	return p->status;
}

static int on_headers_complete(http_parser *parser)
{
	struct parse *p = parser->data;

	p->status = p->is_complete || p->has_name ? 400 : 0;
	p->is_complete = true;
	return p->status ? -1 : 1; /* 1: no body is to be looked for */
}

static const http_parser_settings callbacks = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
};

/* ---- the whole ---- */

/* One blank each between method, target and version, and nothing after it. */
static bool is_line_exact(const char *head, size_t len, const http_parser *parser,
			  struct http_text target)
{
	const char *method = http_method_str((enum http_method)parser->method);
	const size_t n = strlen(method);
	const char *end;

	if (!target.len || target.data != head + n + 1 || memcmp(head, method, n) != 0 ||
	    head[n] != ' ')
		return false;
	end = target.data + target.len;
	return (size_t)(head + len - end) > strlen(" HTTP/1.x\r\n") &&
	       !memcmp(end, " HTTP/1.", 8) && http_is_digit(end[8]) && !memcmp(end + 9, "\r\n", 2);
}

/* What http_parser's refusal means. */
static int error_status(const http_parser *parser, const char *head, size_t len)
{
	const char *blank = memchr(head, ' ', len);

	switch (HTTP_PARSER_ERRNO(parser)) {
	case HPE_INVALID_METHOD: /* it knows them by name */
		if (blank && http_text_is_token((struct http_text){ head, (size_t)(blank - head) }))
			return 501;
		return 400;
	case HPE_HEADER_OVERFLOW:
		return 431;
	default:
		return 400;
	}
}

static int split_head(struct parse *p, http_parser *parser, const char *head, size_t len)
{
	static const char http2[] = "PRI * HTTP/2.0\r\n";
	size_t scanned = 0, n;

	if (http_head_len(head, len, &scanned) != (long)len)
		return 400;
	if (len >= strlen(http2) && !memcmp(head, http2, strlen(http2)))
		return 505;
	http_parser_init(parser, HTTP_REQUEST);
	parser->data = p;
	n = http_parser_execute(parser, &callbacks, head, len);
	if (p->status)
		return p->status;
	if (HTTP_PARSER_ERRNO(parser) != HPE_OK)
		return error_status(parser, head, len);
	return p->is_complete && n == len ? 0 : 400;
}

/* What the fields ask of each other and of the version (RFC 9112 3.2, 6.1, 6.3). */
static int judge_fields(struct parse *p, bool is_old)
{
	struct http_request *r = p->r;
	struct http_text host = r->field[HTTP_FIELD_HOST];

	if (host.data ? !http_is_authority(host) : !is_old)
		return 400;
	if (p->has_transfer_encoding && (p->has_length || is_old))
		return 400;
	if (p->wants_other)
		return 417;
	if (p->has_body && r->method != HTTP_METHOD_OTHER)
		return 413;
	return 0;
}

static enum http_request_method find_method(const char *head, size_t len)
{
	if (len >= 4 && !memcmp(head, "GET ", 4))
		return HTTP_METHOD_GET;
	return len >= 5 && !memcmp(head, "HEAD ", 5) ? HTTP_METHOD_HEAD : HTTP_METHOD_OTHER;
}

int http_request_parse(const char *head, size_t len, struct http_request *r)
{
	struct parse p = { .r = r };
	http_parser parser;
	bool is_old;
	int status;

	*r = (struct http_request){ .method = find_method(head, len) };
	status = split_head(&p, &parser, head, len);
	if (status)
		return status;
	if (parser.http_major != 1)
		return 505;
	if (!is_line_exact(head, len, &parser, r->target))
		return 400;
	is_old = parser.http_minor == 0;
	status = judge_fields(&p, is_old);
	if (status)
		return status;
	if (parser.method == HTTP_CONNECT ||
	    http_target_split(r->target, &r->path, &r->field[HTTP_FIELD_HOST]))
		return 400;
	r->keep_alive = !p.wants_close && !p.has_body && (!is_old || p.wants_keep_alive);
	return 0;
}
