/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding a member in the text of a JSON object, for passing on what nobody needs to look into:
 * some hundred times cheaper than json_parse(), and no judge of what it skips. */
#ifndef KTLSD_BASE_JSON_TEXT_H
#define KTLSD_BASE_JSON_TEXT_H

#include <stddef.h>

/*
 * Sets *value and *value_len to the text of the member's value, which stays the caller's text:
 * 0, -ENOENT, or -EBADMSG where the text is no object so far as it was looked at. A name with an
 * escape in it is not found.
 */
int json_text_find(const char *text, size_t len, const char *key, const char **value,
		   size_t *value_len);

#endif
