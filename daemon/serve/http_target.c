/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Splits targets (RFC 3986, RFC 9112 3.2). Decodes nothing: what a path means is for its user. */
#include "serve/http_target.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/util.h"

/*
 * Visible, and none of those that browsers encode in paths and queries alike. Others that RFC 3986
 * would have encoded are sent as they are, brackets for one.
 */
static bool is_target_char(char c)
{
	return c > ' ' && c < 0x7f && !strchr("\"#<>\\", c);
}

static bool is_host_char(char c)
{
	return is_target_char(c) && !strchr("/:?@[]^`{|}", c);
}

/* [":" [number]], the number being one of 16 bits. */
static bool is_port(struct http_text text)
{
	unsigned port = 0;

	if (!text.len)
		return true;
	if (text.data[0] != ':')
		return false;
	for (size_t i = 1; i < text.len; i++) {
		if (!http_is_digit(text.data[i]))
			return false;
		port = port * 10 + (unsigned)(text.data[i] - '0');
		if (port > UINT16_MAX)
			return false;
	}
	return true;
}

/* The length of the address in brackets that text begins with, or 0. */
static size_t bracket_len(struct http_text text)
{
	size_t n = 1;

	while (n < text.len && (text.data[n] == ':' || is_host_char(text.data[n])))
		n++;
	return n > 1 && n < text.len && text.data[n] == ']' ? n + 1 : 0;
}

bool http_is_authority(struct http_text text)
{
	size_t n = 0;

	if (text.len && text.data[0] == '[')
		n = bracket_len(text);
	else
		while (n < text.len && is_host_char(text.data[n]))
			n++;
	http_text_skip(&text, n);
	return n && is_port(text);
}

/* The length of "http://" or "https://", or 0. */
static size_t scheme_len(struct http_text target)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		size_t len = strlen(schemes[i]);

		if (target.len >= len &&
		    http_text_is((struct http_text){ target.data, len }, schemes[i]))
			return len;
	}
	return 0;
}

static int split_absolute(struct http_text target, struct http_text *path, struct http_text *host)
{
	const size_t scheme = scheme_len(target);
	struct http_text authority;
	size_t n = 0;

	if (!scheme)
		return -EBADMSG; /* "*", the authority form, or none at all */
	http_text_skip(&target, scheme);
	while (n < target.len && target.data[n] != '/' && target.data[n] != '?')
		n++;
	authority = (struct http_text){ target.data, n };
	if (!http_is_authority(authority))
		return -EBADMSG;
	*host = authority;
	http_text_skip(&target, n);
	*path = target;
	/* an empty path is "/", of which the scheme has one */
	if (!target.len || target.data[0] == '?')
		*path = (struct http_text){ authority.data - 1, 1 };
	return 0;
}

int http_target_split(struct http_text target, struct http_text *path, struct http_text *host)
{
	const char *query;

	for (size_t i = 0; i < target.len; i++)
		if (!is_target_char(target.data[i]))
			return -EBADMSG;
	*path = target;
	if ((!target.len || target.data[0] != '/') && split_absolute(target, path, host))
		return -EBADMSG;
	query = memchr(path->data, '?', path->len);
	if (query)
		path->len = (size_t)(query - path->data);
	return 0;
}
