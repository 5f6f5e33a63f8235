/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON values over jansson, which no other file includes. */
#include "base/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

/*
 * A root, or a view of a child that a getter gave. A view belongs to the value it came from and
 * holds its own reference, so it stays valid when the member is replaced.
 */
struct json {
	json_t *value;	     /* owned */
	struct json *parent; /* NULL: a root */
	const char *key;     /* in the parent, when that is an object; the parent's memory */
	size_t index;	     /* in the parent, when that is an array */
	struct json *views;  /* of children; owned */
	struct json *next;   /* in the parent's views */
	char *complaint;     /* of a root; owned */
	bool failed;
};

/* Takes the reference; gives NULL, and drops it, when there is no value or no memory. */
static struct json *json_wrap(json_t *value)
{
	struct json *json = value ? calloc(1, sizeof(*json)) : NULL;

	if (json)
		json->value = value;
	else
		json_decref(value);
	return json;
}

struct json *json_new(void)
{
	return json_wrap(json_object());
}

struct json *json_new_array(void)
{
	return json_wrap(json_array());
}

void json_free(struct json *json)
{
	if (!json)
		return;
	for (struct json *view = json->views, *next; view; view = next) {
		next = view->next;
		json_free(view);
	}
	json_decref(json->value);
	free(json->complaint);
	free(json);
}

void json_cleanup(struct json **json)
{
	json_free(*json);
}

bool json_failed(const struct json *json)
{
	return !json || json->failed;
}

/* The library's value of a member, borrowed; NULL when there is none. */
static json_t *member(const struct json *object, const char *key)
{
	return object ? json_object_get(object->value, key) : NULL;
}

static void set_value(struct json *object, const char *key, json_t *value)
{
	if (!object)
		json_decref(value);
	else if (json_object_set_new(object->value, key, value))
		object->failed = true;
}

/* NULL when memory is short. */
static json_t *string_value(const char *text)
{
	json_t *value = json_string(text);
	_cleanup_free_ char *ascii = value ? NULL : strdup(text);

	if (!ascii)
		return value;
	for (char *p = ascii; *p; p++)
		if (*p & 0x80)
			*p = '?';
	return json_string(ascii);
}

void json_set_string(struct json *object, const char *key, const char *value)
{
	if (value)
		set_value(object, key, string_value(value));
}

void json_set_int(struct json *object, const char *key, int64_t value)
{
	set_value(object, key, json_integer(value));
}

void json_set_bool(struct json *object, const char *key, bool value)
{
	set_value(object, key, json_boolean(value));
}

void json_set_member(struct json *object, const char *key, const struct json *from,
		     const char *from_key)
{
	json_t *value = member(from, from_key);

	set_value(object, key, value ? json_incref(value) : json_null());
}

/* The value of a child that is handed over; NULL when it has failed. */
static json_t *child_take(struct json *child)
{
	json_t *value = json_failed(child) ? NULL : json_incref(child->value);

	json_free(child);
	return value;
}

void json_set(struct json *object, const char *key, struct json *child)
{
	set_value(object, key, child_take(child));
}

static void append_value(struct json *array, json_t *value)
{
	if (!array)
		json_decref(value);
	else if (json_array_append_new(array->value, value))
		array->failed = true;
}

void json_append(struct json *array, struct json *child)
{
	append_value(array, child_take(child));
}

void json_append_string(struct json *array, const char *value)
{
	append_value(array, string_value(value));
}

static const char *const found[] = {
	[JSON_OBJECT] = ", found an object", [JSON_ARRAY] = ", found an array",
	[JSON_STRING] = ", found a string",  [JSON_INTEGER] = ", found an integer",
	[JSON_REAL] = ", found a number",    [JSON_TRUE] = ", found a boolean",
	[JSON_FALSE] = ", found a boolean",  [JSON_NULL] = ", found null",
};

/* Writes "listeners[2].tx" for the value itself, nothing for a root. */
static void path_print(FILE *out, const struct json *json)
{
	if (!json->parent)
		return;
	path_print(out, json->parent);
	if (json->key)
		fprintf(out, "%s%s", json->parent->parent ? "." : "", json->key);
	else
		fprintf(out, "[%zu]", json->index);
}

/* Notes in the root what was wrong first, and gives -EINVAL. `where` is a view that names the
 * member and need not live on. */
static int complain(const struct json *where, const char *what, const char *but)
{
	struct json *root = where->parent;
	size_t size;
	FILE *out;

	while (root->parent)
		root = root->parent;
	out = root->complaint ? NULL : open_memstream(&root->complaint, &size);
	if (!out)
		return -EINVAL;
	path_print(out, where);
	fprintf(out, ": %s%s", what, but);
	if (fclose(out)) {
		free(root->complaint);
		root->complaint = NULL;
	}
	return -EINVAL;
}

/* Finds a member of one of the types in the bit set: 0 or an error as the getters say. */
static int member_find(struct json *object, const char *key, unsigned types, const char *expected,
		       json_t **out)
{
	json_t *value = member(object, key);
	struct json where = { .parent = object, .key = key };

	if (!value || json_is_null(value))
		return -ENOENT;
	if (!(types & 1u << json_typeof(value)))
		return complain(&where, expected, found[json_typeof(value)]);
	*out = value;
	return 0;
}

int json_get_string(struct json *object, const char *key, const char **out)
{
	json_t *value = NULL;
	int r = member_find(object, key, 1u << JSON_STRING, "expected a string", &value);

	if (!r)
		*out = json_string_value(value);
	return r;
}

int json_get_int(struct json *object, const char *key, int64_t *out)
{
	json_t *value = NULL;
	int r = member_find(object, key, 1u << JSON_INTEGER, "expected an integer", &value);

	if (!r)
		*out = json_integer_value(value);
	return r;
}

int json_get_bool(struct json *object, const char *key, bool *out)
{
	json_t *value = NULL;
	int r = member_find(object, key, 1u << JSON_TRUE | 1u << JSON_FALSE, "expected a boolean",
			    &value);

	if (!r)
		*out = json_is_true(value);
	return r;
}

/* A view of a child, or NULL when memory is short. */
static struct json *view_new(struct json *parent, json_t *value, const char *key, size_t index)
{
	struct json *view = json_wrap(json_incref(value));

	if (!view)
		return NULL;
	view->parent = parent;
	view->key = key;
	view->index = index;
	view->next = parent->views;
	parent->views = view;
	return view;
}

static int get_view(struct json *object, const char *key, json_type type, const char *expected,
		    struct json **out)
{
	json_t *value = NULL;
	int r = member_find(object, key, 1u << type, expected, &value);
	struct json *view;

	if (r)
		return r;
	/* The caller's key may not live as long as the view; the object's own does. */
	key = json_object_iter_key(json_object_iter_at(object->value, key));
	view = view_new(object, value, key, 0);
	if (!view)
		return -ENOMEM;
	*out = view;
	return 0;
}

int json_get_object(struct json *object, const char *key, struct json **out)
{
	return get_view(object, key, JSON_OBJECT, "expected an object", out);
}

int json_get_array(struct json *object, const char *key, struct json **out)
{
	return get_view(object, key, JSON_ARRAY, "expected an array", out);
}

size_t json_length(const struct json *array)
{
	return array ? json_array_size(array->value) : 0;
}

int json_at(struct json *array, size_t i, struct json **out)
{
	json_t *value = array ? json_array_get(array->value, i) : NULL;
	struct json where = { .parent = array, .index = i };
	struct json *view;

	if (!value)
		return -ENOENT;
	if (!json_is_object(value))
		return complain(&where, "expected an object", found[json_typeof(value)]);
	view = view_new(array, value, NULL, i);
	if (!view)
		return -ENOMEM;
	*out = view;
	return 0;
}

struct json *json_share(const struct json *json)
{
	return json_failed(json) ? NULL : json_wrap(json_incref(json->value));
}

bool json_has(const struct json *object, const char *key)
{
	json_t *value = member(object, key);

	return value && !json_is_null(value);
}

const char *json_unknown_key(const struct json *object, const char *const *known)
{
	void *iter = object ? json_object_iter(object->value) : NULL;

	for (; iter; iter = json_object_iter_next(object->value, iter)) {
		const char *const *k = known;

		while (*k && strcmp(*k, json_object_iter_key(iter)) != 0)
			k++;
		if (!*k)
			return json_object_iter_key(iter);
	}
	return NULL;
}

int json_complain_missing(struct json *object, const char *key)
{
	struct json where = { .parent = object, .key = key };

	return object ? complain(&where, "is missing", "") : -EINVAL;
}

const char *json_complaint(const struct json *json)
{
	if (!json)
		return NULL;
	while (json->parent)
		json = json->parent;
	return json->complaint;
}

/*
 * True if brackets nest deeper than JSON_DEPTH_MAX. The library's parser and its destructor
 * recurse, so depth is bounded before it sees the text; whether brackets match is its business.
 */
static bool is_too_deep(const char *text, size_t len)
{
	bool in_string = false;
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '\\' && in_string)
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']'))
			depth -= depth > 0;
		if (depth > JSON_DEPTH_MAX)
			return true;
	}
	return false;
}

static int refuse(char *why, size_t why_size, const char *text)
{
	if (!why || !why_size)
		return -EBADMSG;
	snprintf(why, why_size, "%s", text);
	/* The library quotes what it could not read; that must not reach a terminal raw. */
	for (char *p = why; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return -EBADMSG;
}

int json_parse(const char *text, size_t len, struct json **out, char *why, size_t why_size)
{
	json_error_t error;
	json_t *value = NULL;
	struct json *json;

	if (is_too_deep(text, len))
		return refuse(why, why_size, "nested too deep");
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!value && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!value)
		return refuse(why, why_size, error.text);
	if (!json_is_object(value)) {
		json_decref(value);
		return refuse(why, why_size, "not an object");
	}
	json = json_wrap(value);
	if (!json)
		return -ENOMEM;
	*out = json;
	return 0;
}

char *json_print(const struct json *json)
{
	return json_failed(json) ? NULL : json_dumps(json->value, JSON_COMPACT | JSON_ENSURE_ASCII);
}
