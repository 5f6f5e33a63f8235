/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON values: building, reading with type checks, text in and out. The one place that knows the
 * JSON library.
 *
 * A `struct json` is an object or an array. Its owner is whoever made it with json_new*() or
 * json_parse(); json_set() and json_append() take their child over, also when they fail. What a
 * getter gives belongs to the value it came from and lives as long.
 *
 * Building needs no check per call: a value that lost a part to a failed allocation is
 * json_failed() for ever, passes that on to the value it is put in, and json_print() refuses it.
 * Every function takes NULL for a value that could not be made.
 */
#ifndef KTLSD_BASE_JSON_H
#define KTLSD_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

enum { JSON_DEPTH_MAX = 16 }; /* nesting that json_parse() accepts */

#define _cleanup_json_ __attribute__((cleanup(json_cleanup)))

struct json *json_new(void);	   /* an empty object, or NULL */
struct json *json_new_array(void); /* an empty array, or NULL */
void json_free(struct json *json); /* a root, with everything in it; NULL is fine */
void json_cleanup(struct json **json);

/* True if memory ran out while it was built; true for NULL. */
bool json_failed(const struct json *json);

/*
 * Put a member into an object that has none of that name, which needs no escapes. A NULL string leaves the
 * member out. In a string that is not UTF-8 every byte outside ASCII becomes '?', so that a name a
 * client chose cannot make a reply impossible.
 */
void json_set_string(struct json *object, const char *key, const char *value);
void json_set_int(struct json *object, const char *key, int64_t value);
void json_set_bool(struct json *object, const char *key, bool value);
void json_set(struct json *object, const char *key, struct json *child);

/* The same value as a member of another object; null when that is absent. */
void json_set_member(struct json *object, const char *key, const struct json *from,
		     const char *from_key);

/* Append to an array; the child becomes the array's. */
void json_append(struct json *array, struct json *child);
void json_append_string(struct json *array, const char *value);

/*
 * Read a member of an object: 0, -ENOENT when it is absent or null, -EINVAL when it is of another
 * type, -ENOMEM. *out is written on success only. Strings hold no NUL.
 */
int json_get_string(struct json *object, const char *key, const char **out);
int json_get_int(struct json *object, const char *key, int64_t *out);
int json_get_bool(struct json *object, const char *key, bool *out);
int json_get_object(struct json *object, const char *key, struct json **out);
int json_get_array(struct json *object, const char *key, struct json **out);

/* Elements of an array (0 for anything else), and its i-th, which must be an object: 0, -ENOENT
 * past the end, -EINVAL, -ENOMEM. */
size_t json_length(const struct json *array);
int json_at(struct json *array, size_t i, struct json **out);

/* The same value as a root that the caller frees and that outlives `json`; NULL when memory is
 * short. */
struct json *json_share(const struct json *json);

/* True if the object has a member that is not null. */
bool json_has(const struct json *object, const char *key);

/* The first member whose name is not in `known` (ended by NULL), or NULL when there is none. */
const char *json_unknown_key(const struct json *object, const char *const *known);

/*
 * The first -EINVAL any function here returned in the whole tree that `json` is part of, as text that
 * names the field: "listeners[2].tx: expected a string, found an integer". NULL when all was well.
 */
const char *json_complaint(const struct json *json);

/*
 * Reads one object, strictly: nothing after it but white space, UTF-8, no duplicate names, no
 * "\u0000", at most JSON_DEPTH_MAX deep. Gives 0, -EBADMSG with *why set to text of at most
 * `why_size` bytes, or -ENOMEM. `why` may be NULL.
 */
int json_parse(const char *text, size_t len, struct json **out, char *why, size_t why_size);

/* Notes as json_complaint() that the object lacks a member it must have; gives -EINVAL. */
int json_complain_missing(struct json *object, const char *key);

/* One line of ASCII without spaces, in the order in which members were set, ended by NUL; the
 * caller frees it. NULL when the value has failed or memory ran out. */
char *json_print(const struct json *json);

#endif
