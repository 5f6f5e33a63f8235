/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a JSON value is made of: for json.c, which builds it, and json_read.c. */
#ifndef KTLSD_BASE_JSON_VALUE_H
#define KTLSD_BASE_JSON_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json_buffer.h"

struct json_t; /* the library's */

/*
 * A root, or a view of a child that a getter gave. A view belongs to the value it came from and
 * holds its own reference, so it stays valid when the member is replaced.
 */
struct json {
	struct json_t *value; /* owned; NULL: see text */
	struct json_buffer text;
	bool is_array;	     /* the text */
	struct json *parent; /* NULL: a root */
	const char *key;     /* in the parent, when that is an object; the parent's memory */
	size_t index;	     /* in the parent, when that is an array */
	struct json *views;  /* of children; owned */
	struct json *next;   /* in the parent's views */
	char *complaint;     /* of a root; owned */
	bool failed;
};

/* Takes the reference; gives NULL, and drops it, when there is no value or no memory. */
struct json *json_wrap(struct json_t *value);

/* The library's value, borrowed, of something that may have been only built so far. NULL when memory
 * is short; then a parser may also have lost bytes of numbers, so what is sent is never read. */
struct json_t *json_tree(const struct json *json);

/* That of a member, borrowed; NULL when there is none. */
struct json_t *json_member(const struct json *object, const char *key);

#endif
