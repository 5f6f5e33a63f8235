/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which format a client wants: RFC 9110 12.5.1, as far as two media types need it. */
#include "host/exposition.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

const char *exposition_content_type(enum exposition_format format)
{
	return format == EXPOSITION_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; "
						  "charset=utf-8" :
						  "text/plain; version=0.0.4; charset=utf-8";
}

/* The element without the white space around it. */
static void trim(const char **text, size_t *len)
{
	while (*len && strchr(" \t", **text)) {
		(*text)++;
		(*len)--;
	}
	while (*len && strchr(" \t", (*text)[*len - 1]))
		(*len)--;
}

static bool equals(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && !strncasecmp(text, word, len);
}

/* Takes what is before the separator off the rest; false when nothing is left. */
static bool next_part(const char **rest, size_t *rest_len, char separator, const char **part,
		      size_t *len)
{
	const char *end;

	if (!*rest_len)
		return false;
	end = memchr(*rest, separator, *rest_len);
	*part = *rest;
	*len = end ? (size_t)(end - *rest) : *rest_len;
	*rest += *len + !!end;
	*rest_len -= *len + !!end;
	trim(part, len);
	return true;
}

/* "q=0.5" in thousandths; what is no number is 0. */
static int parse_weight(const char *text, size_t len)
{
	char copy[8] = "";

	memcpy(copy, text, MIN_OF(len, sizeof(copy) - 1));
	return (int)(strtod(copy, NULL) * 1000);
}

struct weights {
	int openmetrics, text;
};

/* "application/openmetrics-text; version=1.0.0; q=0.5" */
static void weigh(struct weights *w, const char *range, size_t range_len)
{
	const char *part, *type;
	size_t len, type_len;
	bool is_known = true;
	int q = 1000;

	if (!next_part(&range, &range_len, ';', &type, &type_len))
		return;
	while (next_part(&range, &range_len, ';', &part, &len)) {
		if (len > 2 && !strncasecmp(part, "q=", 2))
			q = parse_weight(part + 2, len - 2);
		else if (len > 8 && !strncasecmp(part, "version=", 8))
			is_known = part[8] == '1' || part[8] == '0';
	}
	if (equals(type, type_len, "application/openmetrics-text")) {
		if (is_known && q > w->openmetrics)
			w->openmetrics = q;
	} else if (equals(type, type_len, "text/plain") || equals(type, type_len, "text/*") ||
		   equals(type, type_len, "*/*")) {
		if (q > w->text)
			w->text = q;
	}
}

enum exposition_format exposition_choose(const char *accept)
{
	struct weights w = { 0 };
	const char *range;
	size_t len, left = accept ? strlen(accept) : 0;

	while (next_part(&accept, &left, ',', &range, &len))
		weigh(&w, range, len);
	return w.openmetrics && w.openmetrics >= w.text ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
}
