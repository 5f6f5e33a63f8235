/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON values over jansson, which no other file includes. What is only built stays text, without
 * its last bracket, until somebody reads in it. */
#include "base/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/json_value.h"
#include "base/util.h"

struct json *json_wrap(json_t *value)
{
	struct json *json = value ? calloc(1, sizeof(*json)) : NULL;

	if (json)
		json->value = value;
	else
		json_decref(value);
	return json;
}

static struct json *json_begin(bool is_array)
{
	struct json *json = malloc(sizeof(*json)); /* calloc() has no cache for a thread */

	if (!json)
		return NULL;
	*json = (struct json){ .is_array = is_array };
	json_buffer_raw(&json->text, is_array ? "[" : "{", 1);
	return json;
}

struct json *json_new(void)
{
	return json_begin(false);
}

struct json *json_new_array(void)
{
	return json_begin(true);
}

static const char *last_bracket(const struct json *json)
{
	return json->is_array ? "]" : "}";
}

json_t *json_tree(const struct json *built)
{
	struct json *json = (struct json *)built;

	if (json->value)
		return json->value;
	json_buffer_raw(&json->text, last_bracket(json), 1);
	if (!json->text.failed)
		json->value = json_loadb(json->text.text, json->text.len, 0, NULL);
	json->failed |= !json->value;
	json_buffer_fini(&json->text);
	return json->value;
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
	json_buffer_fini(&json->text);
	free(json->complaint);
	free(json);
}

void json_cleanup(struct json **json)
{
	json_free(*json);
}

bool json_failed(const struct json *json)
{
	return !json || json->failed || json->text.failed;
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

/* Takes the value over. */
static void add_value(struct json_buffer *b, json_t *value)
{
	_cleanup_free_ char *text =
		value ? json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY) :
			NULL;

	if (text)
		json_buffer_raw(b, text, strlen(text));
	else
		b->failed = true;
	json_decref(value);
}

static void add_string(struct json_buffer *b, const char *text)
{
	if (!json_buffer_plain(b, text))
		add_value(b, string_value(text));
}

/* Where the next element's text goes; NULL where it is none, or nothing is. */
static struct json_buffer *next_element(struct json *json)
{
	if (!json || json->value || json->failed)
		return NULL;
	if (json->text.len > 1)
		json_buffer_raw(&json->text, ",", 1);
	return &json->text;
}

static struct json_buffer *next_member(struct json *object, const char *key)
{
	if (!object || object->value || object->failed)
		return NULL;
	json_buffer_name(&object->text, key);
	return &object->text;
}

/* Takes the value over. */
static void set_value(struct json *object, const char *key, json_t *value)
{
	if (!object)
		json_decref(value);
	else if (json_object_set_new(object->value, key, value))
		object->failed = true;
}

void json_set_string(struct json *object, const char *key, const char *value)
{
	struct json_buffer *b = value ? next_member(object, key) : NULL;

	if (b)
		add_string(b, value);
	else if (value)
		set_value(object, key, string_value(value));
}

void json_set_int(struct json *object, const char *key, int64_t value)
{
	struct json_buffer *b = next_member(object, key);

	if (b)
		json_buffer_int(b, value);
	else
		set_value(object, key, json_integer(value));
}

void json_set_bool(struct json *object, const char *key, bool value)
{
	struct json_buffer *b = next_member(object, key);

	if (b)
		json_buffer_raw(b, value ? "true" : "false", value ? 4 : 5);
	else
		set_value(object, key, json_boolean(value));
}

void json_set_member(struct json *object, const char *key, const struct json *from,
		     const char *from_key)
{
	json_t *value = json_member(from, from_key);
	struct json_buffer *b = next_member(object, key);

	value = value ? json_incref(value) : json_null();
	if (b)
		add_value(b, value);
	else
		set_value(object, key, value);
}

/* The value of a child that is handed over; NULL when it has failed. */
static json_t *child_take(struct json *child)
{
	json_t *value = json_failed(child) ? NULL : json_incref(json_tree(child));

	json_free(child);
	return value;
}

static void add_child(struct json_buffer *b, struct json *child)
{
	if (!child || child->value || json_failed(child)) {
		add_value(b, child_take(child));
		return;
	}
	json_buffer_raw(b, child->text.text, child->text.len);
	json_buffer_raw(b, last_bracket(child), 1);
	json_free(child);
}

void json_set(struct json *object, const char *key, struct json *child)
{
	struct json_buffer *b = next_member(object, key);

	if (b)
		add_child(b, child);
	else
		set_value(object, key, child_take(child));
}

/* Takes the value over. */
static void append_value(struct json *array, json_t *value)
{
	if (!array)
		json_decref(value);
	else if (json_array_append_new(array->value, value))
		array->failed = true;
}

void json_append(struct json *array, struct json *child)
{
	struct json_buffer *b = next_element(array);

	if (b)
		add_child(b, child);
	else
		append_value(array, child_take(child));
}

void json_append_string(struct json *array, const char *value)
{
	struct json_buffer *b = next_element(array);

	if (b)
		add_string(b, value);
	else
		append_value(array, string_value(value));
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
	char *text;

	if (json_failed(json))
		return NULL;
	if (json->value)
		return json_dumps(json->value, JSON_COMPACT | JSON_ENSURE_ASCII);
	text = malloc(json->text.len + 2);
	if (!text)
		return NULL;
	memcpy(text, json->text.text, json->text.len);
	memcpy(text + json->text.len, last_bracket(json), 2);
	return text;
}
