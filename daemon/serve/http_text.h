/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slices of a message's head and the few rules of text that its fields share (RFC 9110 5.6).
 * Letters are those of ASCII, whatever the locale.
 */
#ifndef KTLSD_SERVE_HTTP_TEXT_H
#define KTLSD_SERVE_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a buffer that belongs to somebody else; data is NULL for a field that is absent. */
struct http_text {
	const char *data;
	size_t len;
};

static inline bool http_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What surrounds values and list members: OWS. */
static inline bool http_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* True if it is a token (RFC 9110 5.6.2). */
bool http_text_is_token(struct http_text text);

/* Equal to `word`, which is in lower case, but for the case of letters. */
bool http_text_is(struct http_text text, const char *word);

/* Without the blanks at both ends. */
struct http_text http_text_trim(struct http_text text);

/* Drops the first n bytes, n <= text->len. */
static inline void http_text_skip(struct http_text *text, size_t n)
{
	text->data += n;
	text->len -= n;
}

/*
 * Takes the next member, trimmed, from a list without quoted strings; empty members are passed
 * over (RFC 9110 5.6.1.2). False at its end.
 */
bool http_list_next(struct http_text *list, struct http_text *member);

#endif
