/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Appends. */
#include "base/json_buffer.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN = 1024, DIGITS_MAX = 20 };

void json_buffer_fini(struct json_buffer *b)
{
	free(b->text);
	*b = (struct json_buffer){ .len = 0 };
}

static bool grow(struct json_buffer *b, size_t len)
{
	size_t room = b->room ? b->room : ROOM_MIN;
	char *grown;

	if (b->failed)
		return false;
	while (room < b->len + len)
		room *= 2;
	grown = realloc(b->text, room);
	if (!grown) {
		b->failed = true;
		return false;
	}
	b->text = grown;
	b->room = room;
	return true;
}

static inline bool reserve(struct json_buffer *b, size_t len)
{
	return (!b->failed && b->room - b->len >= len) || grow(b, len);
}

/* A character that stands for itself. */
static inline bool is_plain(char c)
{
	return (unsigned char)(c - ' ') <= '~' - ' ' && c != '"' && c != '\\';
}

void json_buffer_raw(struct json_buffer *b, const char *text, size_t len)
{
	if (!reserve(b, len))
		return;
	memcpy(b->text + b->len, text, len);
	b->len += len;
}

void json_buffer_name(struct json_buffer *b, const char *name)
{
	size_t len = strlen(name);
	char *to;

	if (!reserve(b, len + 4))
		return;
	to = b->text + b->len;
	if (b->len > 1)
		*to++ = ',';
	*to++ = '"';
	memcpy(to, name, len);
	to += len;
	*to++ = '"';
	*to++ = ':';
	b->len = (size_t)(to - b->text);
}

void json_buffer_int(struct json_buffer *b, int64_t value)
{
	char digits[DIGITS_MAX], *first = digits + sizeof(digits);
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do
		*--first = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--first = '-';
	json_buffer_raw(b, first, (size_t)(digits + sizeof(digits) - first));
}

bool json_buffer_plain(struct json_buffer *b, const char *text)
{
	size_t len = strlen(text);
	char *to;

	if (!reserve(b, len + 2))
		return true;
	to = b->text + b->len;
	for (size_t i = 0; i < len; i++)
		if (!is_plain(text[i]))
			return false;
	to[0] = '"';
	memcpy(to + 1, text, len);
	to[len + 1] = '"';
	b->len += len + 2;
	return true;
}
