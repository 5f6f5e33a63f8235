/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of a JSON value as it grows: members in the order in which they come, nothing kept but the
 * text. Values that are only built to be sent, ten thousand rows of a listing for one, are made so
 * at a tenth of what a tree costs.
 */
#ifndef KTLSD_BASE_JSON_BUFFER_H
#define KTLSD_BASE_JSON_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zeros is an empty one. */
struct json_buffer {
	char *text; /* owned; without a NUL */
	size_t len, room;
	bool failed; /* memory was short: the text is worth nothing */
};

void json_buffer_fini(struct json_buffer *b);

void json_buffer_raw(struct json_buffer *b, const char *text, size_t len);
/* `,"name":`, or without the comma for the first; a name has nothing to be escaped. */
void json_buffer_name(struct json_buffer *b, const char *name);
void json_buffer_int(struct json_buffer *b, int64_t value);

/* A string with its quotes. False, with nothing added, for one that needs escapes. */
bool json_buffer_plain(struct json_buffer *b, const char *text);

#endif
