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

static void member_take(struct json_text_member *members, size_t n, const char *name,
			size_t name_len, const char *value, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(members[i].key) != name_len ||
		    memcmp(members[i].key, name, name_len) != 0)
			continue;
		members[i].value = value;
		members[i].len = len;
	}
}

int json_text_find_all(const char *text, size_t len, struct json_text_member *members, size_t n)
{
	const char *end = text + len, *p = space_skip(text, end), *name, *name_end, *value;

	for (size_t i = 0; i < n; i++)
		members[i].value = NULL;
	if (p == end || *p != '{')
		return -EBADMSG;
	p = space_skip(p + 1, end);
	while (p < end && *p == '"') {
		name = p + 1;
		p = string_skip(p, end);
		if (!p)
			return -EBADMSG;
		name_end = p - 1;
		p = space_skip(p, end);
		if (p == end || *p != ':')
			return -EBADMSG;
		value = space_skip(p + 1, end);
		p = value_skip(value, end);
		if (!p)
			return -EBADMSG;
		member_take(members, n, name, (size_t)(name_end - name), value,
			    (size_t)(p - value));
		p = space_skip(p, end);
		if (p < end && *p == ',')
			p = space_skip(p + 1, end);
	}
	return p < end && *p == '}' ? 0 : -EBADMSG;
}

int json_text_find(const char *text, size_t len, const char *key, const char **value,
		   size_t *value_len)
{
	struct json_text_member member = { .key = key };
	int r = json_text_find_all(text, len, &member, 1);

	if (r || !member.value)
		return r ? r : -ENOENT;
	*value = member.value;
	*value_len = member.len;
	return 0;
}
