/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks over the members of an object and skips their values. */
#include "base/json_text.h"

#include <errno.h>
#include <string.h>

static const char *space_skip(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* Behind the string whose first quote is at p, or NULL. */
static const char *string_skip(const char *p, const char *end)
{
	while (++p < end && *p != '"')
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : NULL;
}

/* Behind the object or array that begins at p, or NULL. */
static const char *nest_skip(const char *p, const char *end)
{
	size_t depth = 0;

	while (p < end) {
		if (*p == '"') {
			p = string_skip(p, end);
			if (!p)
				return NULL;
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		else if ((*p == '}' || *p == ']') && !--depth)
			return p + 1;
		p++;
	}
	return NULL;
}

/* Behind the value that begins at p, or NULL. */
static const char *value_skip(const char *p, const char *end)
{
	const char *start = p;

	if (p < end && *p == '"')
		return string_skip(p, end);
	if (p < end && (*p == '{' || *p == '['))
		return nest_skip(p, end);
	while (p < end && !strchr(",]} \t\r\n", *p))
		p++;
	return p > start ? p : NULL;
}

int json_text_find(const char *text, size_t len, const char *key, const char **value,
		   size_t *value_len)
{
	const char *end = text + len, *p = space_skip(text, end), *name, *start;
	size_t key_len = strlen(key);

	if (p == end || *p != '{')
		return -EBADMSG;
	p = space_skip(p + 1, end);
	while (p < end && *p == '"') {
		name = p + 1;
		p = string_skip(p, end);
		if (!p)
			return -EBADMSG;
		len = (size_t)(p - 1 - name);
		p = space_skip(p, end);
		if (p == end || *p != ':')
			return -EBADMSG;
		start = space_skip(p + 1, end);
		p = value_skip(start, end);
		if (!p)
			return -EBADMSG;
		if (len == key_len && !memcmp(name, key, len)) {
			*value = start;
			*value_len = (size_t)(p - start);
			return 0;
		}
		p = space_skip(p, end);
		if (p < end && *p == ',')
			p = space_skip(p + 1, end);
	}
	return p < end && *p == '}' ? -ENOENT : -EBADMSG;
}
