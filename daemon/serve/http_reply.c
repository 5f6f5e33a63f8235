/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes heads of responses and of parts, and the small bodies of errors. */
#include "serve/http_reply.h"

#include <string.h>

#include "base/util.h"
#include "serve/http_date.h"

/* What is left of a caller's buffer. */
struct out {
	char *at;
	const char *end;
};

static const struct status {
	int code;
	const char *reason;
} statuses[] = {
	{ 500, "Internal Server Error" }, /* stands for those unknown */
	{ 200, "OK" },
	{ 206, "Partial Content" },
	{ 301, "Moved Permanently" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 431, "Request Header Fields Too Large" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

static void put(struct out *o, const char *data, size_t len)
{
	len = MIN_OF(len, (size_t)(o->end - o->at));
	memcpy(o->at, data, len);
	o->at += len;
}

static void put_text(struct out *o, const char *text)
{
	put(o, text, strlen(text));
}

static void put_number(struct out *o, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	put(o, digits + at, sizeof(digits) - at);
}

static void put_hex(struct out *o, uint64_t n)
{
	char digits[16];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[n & 15];
		n >>= 4;
	} while (n);
	put(o, digits + at, sizeof(digits) - at);
}

void http_make_etag(char etag[HTTP_ETAG_MAX], uint64_t size, struct timespec modified,
		    uint64_t inode)
{
	struct out o = { etag, etag + HTTP_ETAG_MAX - 1 };

	put_text(&o, "\"");
	put_hex(&o, size);
	put_text(&o, "-");
	put_hex(&o, (uint64_t)modified.tv_sec);
	put_text(&o, ".");
	put_hex(&o, (uint64_t)modified.tv_nsec);
	put_text(&o, "-");
	put_hex(&o, inode);
	put_text(&o, "\"");
	*o.at = '\0';
}

static const struct status *find_status(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].code == code)
			return &statuses[i];
	return &statuses[0];
}

static void put_length(struct out *o, uint64_t len)
{
	put_text(o, "Content-Length: ");
	put_number(o, len);
	put_text(o, "\r\n");
}

static void put_type(struct out *o, const struct http_entity *e)
{
	if (!e->type || strnlen(e->type, HTTP_TYPE_MAX) == HTTP_TYPE_MAX)
		return;
	put_text(o, "Content-Type: ");
	put_text(o, e->type);
	put_text(o, "\r\n");
}

/* The bytes of a 206, or without a range those that a 416 could have asked for. */
static void put_range(struct out *o, const struct http_range *range, uint64_t size)
{
	put_text(o, "Content-Range: bytes ");
	if (range) {
		put_number(o, range->first);
		put_text(o, "-");
		put_number(o, range->first + range->len - 1);
	} else {
		put_text(o, "*");
	}
	put_text(o, "/");
	put_number(o, size);
	put_text(o, "\r\n");
}

static void put_etag(struct out *o, const struct http_entity *e)
{
	if (!e->etag[0])
		return;
	put_text(o, "ETag: ");
	put(o, e->etag, strnlen(e->etag, HTTP_ETAG_MAX));
	put_text(o, "\r\n");
}

/* Never after the date of the response (RFC 9110 8.8.2.1). */
static void put_modified(struct out *o, const struct http_entity *e, time_t now)
{
	char date[HTTP_DATE_LEN];

	http_date_write(date, MIN_OF(e->modified, now));
	put_text(o, "Last-Modified: ");
	put(o, date, sizeof(date));
	put_text(o, "\r\n");
}

/* 200 and 206 */
static void put_entity(struct out *o, const struct http_head *h)
{
	const struct http_entity *e = h->entity;
	bool is_partial = h->status == 206;

	if (is_partial && h->boundary) {
		put_length(o, h->body_len);
		put_text(o, "Content-Type: multipart/byteranges; boundary=");
		put(o, h->boundary, strnlen(h->boundary, HTTP_BOUNDARY_MAX));
		put_text(o, "\r\n");
	} else {
		put_length(o, is_partial ? h->range->len : e->size);
		put_type(o, e);
	}
	if (is_partial && !h->boundary)
		put_range(o, h->range, e->size);
	put_modified(o, e, h->now);
	put_etag(o, e);
	put_text(o, "Accept-Ranges: bytes\r\n\r\n");
}

/* Only what updates the client's copy; the date only for want of an etag (RFC 9110 15.4.5). */
static void put_not_modified(struct out *o, const struct http_head *h)
{
	if (h->entity->etag[0])
		put_etag(o, h->entity);
	else
		put_modified(o, h->entity, h->now);
	put_text(o, "\r\n");
}

static void put_error(struct out *o, const struct http_head *h, const struct status *status)
{
	if (status->code == 301) {
		put_text(o, "Location: ");
		put(o, h->location, strnlen(h->location, HTTP_LOCATION_MAX));
		put_text(o, "\r\n");
	}
	if (status->code == 405)
		put_text(o, "Allow: GET, HEAD\r\n");
	if (status->code == 416 && h->entity)
		put_range(o, NULL, h->entity->size);
	put_text(o, "Content-Type: text/plain\r\n");
	put_length(o, strlen("NNN ") + strlen(status->reason) + strlen("\n"));
	put_text(o, "\r\n");
	if (h->head_only)
		return;
	put_number(o, (uint64_t)status->code);
	put_text(o, " ");
	put_text(o, status->reason);
	put_text(o, "\n");
}

size_t http_write_head(char buf[HTTP_HEAD_MAX], const struct http_head *h)
{
	const struct status *status = find_status(h->status);
	struct out o = { buf, buf + HTTP_HEAD_MAX };

	put_text(&o, "HTTP/1.1 ");
	put_number(&o, (uint64_t)status->code);
	put_text(&o, " ");
	put_text(&o, status->reason);
	put_text(&o, "\r\nDate: ");
	put(&o, http_date_now(h->now), HTTP_DATE_LEN);
	put_text(&o, "\r\nServer: ktlsd\r\n");
	/* a client of HTTP/1.0 that asked to go on has to be told (RFC 9112 9.3) */
	put_text(&o, h->keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
	if (status->code < 300)
		put_entity(&o, h);
	else if (status->code == 304)
		put_not_modified(&o, h);
	else
		put_error(&o, h, status);
	return (size_t)(o.at - buf);
}

size_t http_write_part(char buf[HTTP_HEAD_MAX], const struct http_entity *e,
		       const struct http_range *range, const char *boundary)
{
	struct out o = { buf, buf + HTTP_HEAD_MAX };

	put_text(&o, "\r\n--");
	put(&o, boundary, strnlen(boundary, HTTP_BOUNDARY_MAX));
	if (range) {
		put_text(&o, "\r\n");
		put_type(&o, e);
		put_range(&o, range, e->size);
		put_text(&o, "\r\n");
	} else {
		put_text(&o, "--\r\n");
	}
	return (size_t)(o.at - buf);
}
