/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON values: building that survives a failed allocation, typed reading, strict parsing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/json.h"
#include "base/json_text.h"
#include "base/util.h"

/* Allocations until one fails; negative: none fails. */
static int allocations_left = -1;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

static bool allocation_fails(void)
{
	if (allocations_left < 0)
		return false;
	return allocations_left-- <= 0;
}

void *__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(n, size);
}

static struct json *parse(const char *text)
{
	struct json *json = NULL;

	assert_int_equal(json_parse(text, strlen(text), &json, NULL, 0), 0);
	return json;
}

static void assert_prints(const struct json *json, const char *expected)
{
	_cleanup_free_ char *text = json_print(json);

	assert_non_null(text);
	assert_string_equal(text, expected);
}

static const char parsed[] = "{\"cookie\":-9223372036854775808}";

static struct json *build(const struct json *from)
{
	struct json *object = json_new(), *child = json_new(), *array = json_new_array();
	struct json *element = json_new();

	json_set_string(child, "mode", "kernel");
	json_set_string(child, "left out", NULL);
	json_set_bool(element, "ok", true);
	json_append(array, element);
	json_append_string(array, "x");
	json_set_int(object, "cookie", INT64_MIN);
	json_set(object, "tx", child);
	json_set(object, "list", array);
	json_set_member(object, "copy", from, "cookie");
	json_set_member(object, "nothing", from, "absent");
	return object;
}

static const char built[] = "{\"cookie\":-9223372036854775808,\"tx\":{\"mode\":\"kernel\"},"
			    "\"list\":[{\"ok\":true},\"x\"],\"copy\":-9223372036854775808,"
			    "\"nothing\":null}";

static void builds_in_order(void **state)
{
	_cleanup_json_ struct json *from = parse(parsed);
	_cleanup_json_ struct json *object = build(from);

	assert_false(json_failed(object));
	assert_prints(object, built);
	(void)state;
}

/* Every allocation, ours and the library's, fails once: the value is whole or says it is not. */
static void every_allocation_may_fail(void **state)
{
	_cleanup_json_ struct json *from = parse(parsed);
	int n = 0, n_failed = 0;

	for (bool injected = true; injected; n++) {
		struct json *object;

		allocations_left = n;
		object = build(from);
		injected = allocations_left < 0;
		allocations_left = -1;
		if (json_failed(object)) {
			assert_true(injected);
			assert_null(json_print(object));
			n_failed++;
		} else {
			assert_prints(object, built);
		}
		json_free(object);
	}
	assert_in_range(n_failed, 10, n);
	(void)state;
}

static void bytes_that_are_not_utf8(void **state)
{
	_cleanup_json_ struct json *object = json_new();

	json_set_string(object, "good", "\xc3\xbc");
	json_set_string(object, "bad", "a\xff\xc3\xbc");
	json_set_string(object, "control", "\x1b[2J");
	assert_prints(object, "{\"good\":\"\\u00FC\",\"bad\":\"a???\",\"control\":\"\\u001B[2J\"}");
	(void)state;
}

static void typed_reading(void **state)
{
	_cleanup_json_ struct json *json = parse("{\"s\":\"x\",\"i\":3,\"b\":false,\"n\":null,"
						 "\"r\":1.5,\"o\":{\"a\":[]}}");
	struct json *o, *a;
	const char *s = "kept";
	int64_t i = 0;
	bool b = true;

	assert_int_equal(json_get_string(json, "s", &s), 0);
	assert_string_equal(s, "x");
	assert_int_equal(json_get_int(json, "i", &i), 0);
	assert_int_equal(i, 3);
	assert_int_equal(json_get_bool(json, "b", &b), 0);
	assert_false(b);
	assert_int_equal(json_get_string(json, "n", &s), -ENOENT);
	assert_int_equal(json_get_string(json, "absent", &s), -ENOENT);
	assert_string_equal(s, "x");
	assert_null(json_complaint(json));
	assert_int_equal(json_get_int(json, "r", &i), -EINVAL);
	assert_int_equal(json_get_object(json, "o", &o), 0);
	assert_int_equal(json_get_array(o, "a", &a), 0);
	assert_int_equal(json_at(a, 0, &o), -ENOENT);
	assert_int_equal(json_get_int(NULL, "i", &i), -ENOENT);
	(void)state;
}

static void complaint_names_the_field(void **state)
{
	static const struct {
		const char *text, *complaint;
	} rows[] = {
		{ "{\"list\":[{\"tx\":{\"mode\":1}}]}", "list[0].tx.mode: expected a string, found "
							"an integer" },
		{ "{\"list\":[7]}", "list[0]: expected an object, found an integer" },
		{ "{\"list\":\"x\"}", "list: expected an array, found a string" },
		{ "{\"list\":[{\"tx\":true}]}", "list[0].tx: expected an object, found a boolean" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_json_ struct json *json = parse(rows[i].text);
		struct json *list, *element, *tx;
		char key[] = "tx"; /* the view must not keep the caller's */
		const char *mode;
		int r = json_get_array(json, "list", &list);

		if (!r)
			r = json_at(list, 0, &element);
		if (!r)
			r = json_get_object(element, key, &tx);
		key[0] = 'X';
		if (!r)
			r = json_get_string(tx, "mode", &mode);
		assert_int_equal(r, -EINVAL);
		assert_string_equal(json_complaint(json), rows[i].complaint);
	}
	(void)state;
}

static void shared_value_outlives_its_root(void **state)
{
	struct json *json = parse("{\"o\":{\"a\":1}}");
	_cleanup_json_ struct json *shared = NULL;
	struct json *o;

	assert_int_equal(json_get_object(json, "o", &o), 0);
	shared = json_share(o);
	json_free(json);
	assert_prints(shared, "{\"a\":1}");
	assert_null(json_share(NULL));
	(void)state;
}

static void missing_member(void **state)
{
	_cleanup_json_ struct json *json = parse("{\"o\":{}}");
	struct json *o;

	assert_int_equal(json_get_object(json, "o", &o), 0);
	assert_int_equal(json_complain_missing(o, "pid"), -EINVAL);
	assert_int_equal(json_complain_missing(json, "second"), -EINVAL);
	assert_string_equal(json_complaint(o), "o.pid: is missing");
	(void)state;
}

static void unknown_keys(void **state)
{
	static const char *const known[] = { "tx", "rx", NULL };
	_cleanup_json_ struct json *good = parse("{\"rx\":1}");
	_cleanup_json_ struct json *bad = parse("{\"rx\":1,\"rX\":2}");

	assert_null(json_unknown_key(good, known));
	assert_string_equal(json_unknown_key(bad, known), "rX");
	(void)state;
}

static void refuses(void **state)
{
	static const struct {
		const char *text, *why; /* why: a part of it */
	} rows[] = {
		{ "", "" },
		{ "[]", "not an object" },
		{ "{} {}", "end of file expected" },
		{ "{\"a\":1,\"a\":2}", "duplicate object key" },
		{ "{\"a\":\"\xff\"}", "unable to decode byte 0xff" },
		{ "{\"a\":\"\xc0\x80\"}", "unable to decode byte" },
		{ "{\"a\":\"\xed\xa0\x80\"}", "unable to decode byte" },
		{ "{\"a\":\"\\ud800\"}", "Unicode" },
		{ "{\"a\":\"\\u0000\"}", "\\u0000" },
		{ "{\"\\u0000\":1}", "" },
		{ "{\"a\":\x1b[2J}", "near '?'" },
		{ "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "nested too deep" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *json = NULL;
		char why[160] = "?";

		assert_int_equal(json_parse(rows[i].text, strlen(rows[i].text), &json, why,
					    sizeof(why)),
				 -EBADMSG);
		if (!strstr(why, rows[i].why))
			fail_msg("row %zu: '%s' lacks '%s'", i, why, rows[i].why);
		assert_null(json);
	}
	(void)state;
}

static void depth_counts_brackets_outside_strings(void **state)
{
	_cleanup_json_ struct json *deepest = parse("{\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}");
	_cleanup_json_ struct json *quoted = parse("{\"\\\"[[[[[[[[[[[[[[[[[[\":\"{{{{{{{{{{{{{{{{{"
						   "{{{{{\\\\\",\"b\":[]}");

	assert_non_null(deepest);
	assert_true(json_has(quoted, "b"));
	(void)state;
}

static void embedded_nul(void **state)
{
	struct json *json = NULL;

	assert_int_equal(json_parse("{}\0", 3, &json, NULL, 0), -EBADMSG);
	assert_int_equal(json_parse("{\"a\0b\":1}", 9, &json, NULL, 0), -EBADMSG);
	(void)state;
}

static void assert_found(const char *text, const char *key, const char *expected)
{
	const char *value;
	size_t len;

	assert_int_equal(json_text_find(text, strlen(text), key, &value, &len), 0);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(value, expected, len);
}

static void finds_members_in_text(void **state)
{
	static const char text[] = " {\"a\\\"\":\"}{\", \"n\" : -12 "
				   ",\"o\":{\"b\":[1,\"]\"]},\"b\":true} ";

	assert_found(text, "n", "-12");
	assert_found(text, "o", "{\"b\":[1,\"]\"]}");
	assert_found(text, "b", "true");
	(void)state;
}

static void refuses_text_that_is_no_object(void **state)
{
	static const char *const texts[] = {
		"",	   "7",	       "[{\"a\":1}]",	   "{\"b",	 "{\"b\"",
		"{\"b\":", "{\"b\":1", "{\"b\":{\"a\":1}", "{\"b\":\"\\"
	};
	const char *value;
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(json_text_find(texts[i], strlen(texts[i]), "a", &value, &len),
				 -EBADMSG);
	assert_int_equal(json_text_find("{}", 2, "a", &value, &len), -ENOENT);
	assert_int_equal(json_text_find("{\"b\":1}", 7, "a", &value, &len), -ENOENT);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builds_in_order),
		cmocka_unit_test(finds_members_in_text),
		cmocka_unit_test(refuses_text_that_is_no_object),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(bytes_that_are_not_utf8),
		cmocka_unit_test(typed_reading),
		cmocka_unit_test(complaint_names_the_field),
		cmocka_unit_test(shared_value_outlives_its_root),
		cmocka_unit_test(missing_member),
		cmocka_unit_test(unknown_keys),
		cmocka_unit_test(refuses),
		cmocka_unit_test(depth_counts_brackets_outside_strings),
		cmocka_unit_test(embedded_nul),
	};

	/* Else the library's own allocations would not go through the wrapper. */
	json_set_alloc_funcs(__wrap_malloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
