/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing and splitting slices of a message's head; knows no field by name. */
#include "serve/http_text.h"

#include <string.h>

static bool is_alphanumeric(char c)
{
	return http_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool http_text_is_token(struct http_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_alphanumeric(text.data[i]) &&
		    (!text.data[i] || !strchr("!#$%&'*+-.^_`|~", text.data[i])))
			return false;
	return text.len > 0;
}

bool http_text_is(struct http_text text, const char *word)
{
	if (text.len != strlen(word))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		if (c != word[i])
			return false;
	}
	return true;
}

struct http_text http_text_trim(struct http_text text)
{
	while (text.len && http_is_blank(text.data[0]))
		http_text_skip(&text, 1);
	while (text.len && http_is_blank(text.data[text.len - 1]))
		text.len--;
	return text;
}

bool http_list_next(struct http_text *list, struct http_text *member)
{
	while (list->len) {
		const char *comma = memchr(list->data, ',', list->len);
		size_t len = comma ? (size_t)(comma - list->data) : list->len;

		*member = http_text_trim((struct http_text){ list->data, len });
		http_text_skip(list, comma ? len + 1 : len);
		if (member->len)
			return true;
	}
	return false;
}
