/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading JSON values with type checks, and complaining. */
#include "base/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/json_value.h"
#include "base/util.h"

json_t *json_member(const struct json *object, const char *key)
{
	return object ? json_object_get(json_tree(object), key) : NULL;
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
	json_t *value = json_member(object, key);
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
	key = json_object_iter_key(json_object_iter_at(json_tree(object), key));
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
	return array ? json_array_size(json_tree(array)) : 0;
}

int json_at(struct json *array, size_t i, struct json **out)
{
	json_t *value = array ? json_array_get(json_tree(array), i) : NULL;
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
	return json_failed(json) ? NULL : json_wrap(json_incref(json_tree(json)));
}

bool json_has(const struct json *object, const char *key)
{
	json_t *value = json_member(object, key);

	return value && !json_is_null(value);
}

const char *json_unknown_key(const struct json *object, const char *const *known)
{
	void *iter = object ? json_object_iter(json_tree(object)) : NULL;

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
