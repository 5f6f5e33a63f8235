/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding a member in the text of a JSON object, for passing on what nobody needs to look into:
 * some hundred times cheaper than json_parse(), and no judge of what it skips. */
#ifndef KTLSD_BASE_JSON_TEXT_H
#define KTLSD_BASE_JSON_TEXT_H

#include <stddef.h>

/* A member to be found; value stays NULL where there is none of that name. */
struct json_text_member {
	const char *key;
	const char *value; /* in the text that was searched */
	size_t len;
};

/*
 * Finds all of them in one go: 0, or -EBADMSG where the text is no object so far as it was looked
 * at. A name with an escape in it is not found.
 */
int json_text_find_all(const char *text, size_t len, struct json_text_member *members, size_t n);

/* One: 0 with *value and *value_len set, -ENOENT or -EBADMSG. */
int json_text_find(const char *text, size_t len, const char *key, const char **value,
		   size_t *value_len);

#endif
