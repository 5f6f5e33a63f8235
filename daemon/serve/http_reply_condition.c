/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditions of requests (RFC 9110 13). A field that is not well formed matches nothing, a date
 * that is none is as good as absent.
 */
#include "serve/http_reply.h"

#include <errno.h>
#include <string.h>

#include "serve/http_date.h"

static bool is_etag_char(char c)
{
	unsigned char u = (unsigned char)c;

	return u > ' ' && u != '"' && u != 0x7f;
}

/*
 * Takes [ "W/" ] DQUOTE *etagc DQUOTE (RFC 9110 8.8.3); the quotes belong to *tag, the W/ does
 * not.
 */
static bool take_etag(struct http_text *text, struct http_text *tag, bool *is_weak)
{
	size_t n = 1;

	*is_weak = text->len >= 2 && !memcmp(text->data, "W/", 2);
	if (*is_weak)
		http_text_skip(text, 2);
	if (!text->len || text->data[0] != '"')
		return false;
	while (n < text->len && is_etag_char(text->data[n]))
		n++;
	if (n == text->len || text->data[n] != '"')
		return false;
	*tag = (struct http_text){ text->data, n + 1 };
	http_text_skip(text, n + 1);
	return true;
}

static bool is_same(struct http_text tag, const struct http_entity *e)
{
	return tag.len == strnlen(e->etag, HTTP_ETAG_MAX) && !memcmp(tag.data, e->etag, tag.len);
}

/* "*", or a list of etags that has the entity's, which is a strong one. */
static bool has_etag(struct http_text list, const struct http_entity *e, bool weak_too)
{
	bool has = false;

	if (list.len == 1 && list.data[0] == '*')
		return true;
	while (list.len) {
		struct http_text tag;
		bool is_weak;

		if (list.data[0] == ',' || http_is_blank(list.data[0])) {
			http_text_skip(&list, 1);
			continue;
		}
		if (!take_etag(&list, &tag, &is_weak))
			return false;
		has |= (weak_too || !is_weak) && is_same(tag, e);
		list = http_text_trim(list);
		if (list.len && list.data[0] != ',')
			return false;
	}
	return has;
}

/* True if the file is known to have changed after the field's date. */
static bool is_modified_since(struct http_text field, const struct http_entity *e, time_t now)
{
	time_t date;

	return http_date_parse(field, now, &date) && e->modified > date;
}

static bool is_unmodified_since(struct http_text field, const struct http_entity *e, time_t now)
{
	time_t date;

	return http_date_parse(field, now, &date) && e->modified <= date;
}

/*
 * True if the client's part is of what the entity is now: by strong comparison, a date being a
 * strong validator once its second is over (RFC 9110 13.1.5, 8.8.2.2). A second more, because the
 * clock of a file system lags behind.
 */
static bool is_range_wanted(struct http_text field, const struct http_entity *e, time_t now)
{
	struct http_text tag;
	bool is_weak;
	time_t date;

	if (!field.data)
		return true;
	if (http_date_parse(field, now, &date))
		return date == e->modified && date + 1 < now;
	return take_etag(&field, &tag, &is_weak) && !field.len && !is_weak && is_same(tag, e);
}

static int choose_range(const struct http_request *r, const struct http_entity *e, time_t now,
			struct http_range range[HTTP_RANGES_MAX], int *n)
{
	int found;

	/* ranges mean something to GET only (RFC 9110 14.2) */
	if (r->method != HTTP_METHOD_GET || !r->field[HTTP_FIELD_RANGE].data ||
	    !is_range_wanted(r->field[HTTP_FIELD_IF_RANGE], e, now))
		return 200;
	found = http_range_parse(r->field[HTTP_FIELD_RANGE], e->size, range);
	if (found == -ERANGE)
		return 416;
	*n = found;
	return found ? 206 : 200;
}

int http_choose_status(const struct http_request *r, const struct http_entity *e, time_t now,
		       struct http_range range[HTTP_RANGES_MAX], int *n)
{
	const struct http_text *field = r->field;

	*n = 0;
	if (field[HTTP_FIELD_IF_MATCH].data) {
		if (!has_etag(field[HTTP_FIELD_IF_MATCH], e, false))
			return 412;
	} else if (field[HTTP_FIELD_IF_UNMODIFIED_SINCE].data &&
		   is_modified_since(field[HTTP_FIELD_IF_UNMODIFIED_SINCE], e, now)) {
		return 412;
	}
	if (field[HTTP_FIELD_IF_NONE_MATCH].data) {
		if (has_etag(field[HTTP_FIELD_IF_NONE_MATCH], e, true))
			return 304;
	} else if (field[HTTP_FIELD_IF_MODIFIED_SINCE].data &&
		   is_unmodified_since(field[HTTP_FIELD_IF_MODIFIED_SINCE], e, now)) {
		return 304;
	}
	return choose_range(r, e, now, range, n);
}
