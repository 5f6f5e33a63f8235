/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes requests for files: the first byte chooses the entity and the chunks, the rest is what a
 * client sends. Heads are found and parsed; what they ask for is chosen and answered; and what was
 * taken for one request is looked at again, line by line, by other means.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "serve/http_date.h"
#include "serve/http_reply.h"

enum { MODIFIED = 784111777 };

static void require(int condition)
{
	if (!condition)
		abort();
}

static const struct http_entity entities[] = {
	{ 1000, MODIFIED, "\"x\"", "text/css" },
	{ 0, MODIFIED, "\"x\"", "text/css" },
	{ UINT64_MAX, MODIFIED, "\"x\"", NULL },
	{ 1, INT64_MAX, "", "a/b" },
};
static const time_t clocks[] = { MODIFIED + 3600, MODIFIED, INT64_MAX, INT64_MIN };

/* The end is found in pieces where it is found at once. */
static long find_head(const char *data, size_t len, size_t chunk)
{
	size_t scanned = 0, at = 0;
	long whole = http_head_len(data, len, &scanned), in_pieces = 0;

	scanned = 0;
	while (!in_pieces && at < len) {
		at = len - at < chunk ? len : at + chunk;
		in_pieces = http_head_len(data, at, &scanned);
		require(scanned <= at);
	}
	require(in_pieces == whole && whole <= (long)len);
	return whole;
}

/* Exactly one line of that name, NULL if there is none; *n counts them. */
static const char *find_field(const char *head, const char *name, unsigned *n)
{
	const char *found = NULL;

	*n = 0;
	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, strlen(name)) || line[2 + strlen(name)] != ':')
			continue;
		found = line + 2 + strlen(name) + 1;
		++*n;
	}
	return found;
}

/* What was taken for a request can be read in one way only. */
static void check_accepted(const char *text, size_t len, const struct http_request *r)
{
	_cleanup_free_ char *head = strndup(text, len);
	unsigned n_hosts, n_lengths, n_codings;
	const char *length;

	require(head && strlen(head) == len && strstr(head, "\r\n\r\n") == head + len - 4);
	for (const char *at = head; (at = strpbrk(at, "\r\n")); at += 2)
		require(at[0] == '\r' && at[1] == '\n' && at[2] != ' ' && at[2] != '\t');
	find_field(head, "host", &n_hosts);
	length = find_field(head, "content-length", &n_lengths);
	find_field(head, "transfer-encoding", &n_codings);
	require(n_hosts <= 1 && n_lengths + n_codings <= 1);
	if (r->method == HTTP_METHOD_OTHER && r->keep_alive)
		require(!n_codings);
	if (r->method == HTTP_METHOD_OTHER)
		return;
	require(!strncmp(head, r->method == HTTP_METHOD_GET ? "GET " : "HEAD ", 4));
	require(!n_codings && (!length || !strspn(length + strspn(length, "\t 0"), "123456789")));
}

static void check_inside(struct http_text text, const char *head, size_t len)
{
	require(!text.data ? !text.len :
			     text.data >= head && text.len <= len &&
				     text.data - head <= (long)(len - text.len));
}

static void check_slices(const struct http_request *r, const char *head, size_t len)
{
	check_inside(r->target, head, len);
	check_inside(r->path, head, len);
	require(r->path.len && r->path.data[0] == '/' && !memchr(r->path.data, '?', r->path.len));
	for (size_t i = 0; i < HTTP_N_FIELDS; i++)
		check_inside(r->field[i], head, len);
}

/* The same request, at two places. */
static void check_same(const struct http_request *a, const char *a_head,
		       const struct http_request *b, const char *b_head)
{
	require(a->method == b->method && a->keep_alive == b->keep_alive);
	require(a->path.len == b->path.len && a->path.data - a_head == b->path.data - b_head);
	for (size_t i = 0; i < HTTP_N_FIELDS; i++)
		require(a->field[i].len == b->field[i].len &&
			!a->field[i].data == !b->field[i].data &&
			(!a->field[i].data ||
			 a->field[i].data - a_head == b->field[i].data - b_head));
}

static void check_dates(const struct http_request *r, time_t now)
{
	char text[HTTP_DATE_LEN];
	time_t date, again;

	for (size_t i = 0; i < HTTP_N_FIELDS; i++) {
		if (!http_date_parse(r->field[i], now, &date))
			continue;
		http_date_write(text, date);
		require(http_date_parse((struct http_text){ text, sizeof(text) }, now, &again));
		require(again == date);
	}
}

/* One head, and exactly the body that it announces. */
static void check_head(const struct http_head *h)
{
	char buf[HTTP_HEAD_MAX + 1];
	size_t n = http_write_head(buf, h), body;
	unsigned n_lengths;
	const char *end, *length;

	require(n && n <= HTTP_HEAD_MAX);
	buf[n] = '\0';
	require(strlen(buf) == n && !strncmp(buf, "HTTP/1.1 ", 9));
	end = strstr(buf, "\r\n\r\n");
	require(end != NULL);
	body = n - (size_t)(end + 4 - buf);
	length = find_field(buf, "content-length", &n_lengths);
	require(n_lengths == (h->status != 304) && (!length || length < end));
	if (h->status < 400 || h->head_only)
		require(!body);
	else
		require(strtoull(length, NULL, 10) == body);
}

static void check_ranges(const struct http_range *range, int n, uint64_t size)
{
	require(n <= HTTP_RANGES_MAX);
	for (int i = 0; i < n; i++) {
		require(range[i].len && range[i].first < size &&
			range[i].len <= size - range[i].first);
		require(!i || range[i].first - range[i - 1].first >= range[i - 1].len);
	}
}

static void answer(const struct http_request *r, const struct http_entity *e, time_t now)
{
	struct http_range range[HTTP_RANGES_MAX];
	struct http_head head = { .entity = e, .keep_alive = r->keep_alive, .now = now };
	char part[HTTP_HEAD_MAX];
	int n = -1;

	head.status = http_choose_status(r, e, now, range, &n);
	require(head.status == 200 || head.status == 206 || head.status == 304 ||
		head.status == 412 || head.status == 416);
	require(head.status == 206 ? n > 0 && r->method == HTTP_METHOD_GET : !n);
	check_ranges(range, n, e->size);
	head.head_only = r->method == HTTP_METHOD_HEAD;
	head.range = range;
	check_head(&head);
	head.boundary = n > 1 ? "boundary" : NULL;
	for (int i = 0; i < n; i++)
		head.body_len += range[i].len + http_write_part(part, e, &range[i], "boundary");
	check_head(&head);
}

static void refuse(const struct http_request *r, int status, time_t now)
{
	const struct http_head head = { .status = status,
					.head_only = r->method == HTTP_METHOD_HEAD,
					.now = now };

	require(status == 400 || status == 413 || status == 417 || status == 431 || status == 501 ||
		status == 505);
	require(!r->keep_alive);
	check_head(&head);
}

static void take_request(const char *head, size_t len, uint8_t choice)
{
	const time_t now = clocks[choice >> 2 & 3];
	_cleanup_free_ char *alone = malloc(len);
	struct http_request r, r_alone;
	int status;

	require(alone != NULL);
	memcpy(alone, head, len);
	status = http_request_parse(head, len, &r);
	/* what follows does not matter, nor is it read */
	require(http_request_parse(alone, len, &r_alone) == status);
	if (status) {
		refuse(&r, status, now);
		return;
	}
	check_same(&r, head, &r_alone, alone);
	check_slices(&r, head, len);
	check_accepted(head, len, &r);
	check_dates(&r, now);
	if (r.method != HTTP_METHOD_OTHER)
		answer(&r, &entities[choice & 3], now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	size_t len = size - 1;
	long n = 1;

	if (!size)
		return 0;
	while (n > 0) {
		size_t empty = http_skip_empty_lines(text, len);

		require(empty <= len);
		text += empty;
		len -= empty;
		n = find_head(text, len, (size_t)(data[0] >> 4) + 1);
		if (n > 0) {
			take_request(text, (size_t)n, data[0]);
			text += n;
			len -= (size_t)n;
		}
	}
	if (len) {
		struct http_request r;

		require(http_request_parse(text, len, &r) == 400);
	}
	return 0;
}
