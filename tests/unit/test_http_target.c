/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Targets of requests in their forms, and the hosts of Host fields. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "serve/http_target.h"

/* A copy without NUL, so that a sanitizer sees what reads on; to be freed. */
static struct http_text make_text(const char *text)
{
	size_t len = strlen(text);
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	return (struct http_text){ copy, len };
}

static bool is_equal(struct http_text text, const char *expected)
{
	return text.len == strlen(expected) && !memcmp(text.data, expected, text.len);
}

static void test_targets(void **state)
{
	static const struct {
		const char *target, *path, *host; /* path NULL: refused */
	} rows[] = {
		{ "/", "/", "a.example" },
		{ "/a/b.c", "/a/b.c", "a.example" },
		{ "/a?b?c", "/a", "a.example" },
		{ "/?", "/", "a.example" },
		{ "//a", "//a", "a.example" },
		{ "/../%2e", "/../%2e", "a.example" }, /* its user's to judge */
		{ "/a[1]|{}^`", "/a[1]|{}^`", "a.example" },
		{ "/http://b/", "/http://b/", "a.example" },
		{ "http://b/c", "/c", "b" },
		{ "HTTP://b/c", "/c", "b" },
		{ "https://b:8443/c?d", "/c", "b:8443" },
		{ "http://b", "/", "b" },
		{ "https://b?/c", "/", "b" },
		{ "http://b:/", "/", "b:" },
		{ "http://[::1]:80/c", "/c", "[::1]:80" },
		{ "*", NULL, NULL },
		{ "*/", NULL, NULL },
		{ "a.example:443", NULL, NULL },
		{ "a", NULL, NULL },
		{ "?a", NULL, NULL },
		{ "http:/b", NULL, NULL },
		{ "http:b", NULL, NULL },
		{ "http://", NULL, NULL },
		{ "http:///c", NULL, NULL },
		{ "http://?c", NULL, NULL },
		{ "http://:80/c", NULL, NULL },
		{ "http://u@b/c", NULL, NULL },
		{ "http://u:p@b/c", NULL, NULL },
		{ "http://b:x/c", NULL, NULL },
		{ "http://b:65536/c", NULL, NULL },
		{ "http://b:4294967376/c", NULL, NULL },
		{ "http://b:80:80/c", NULL, NULL },
		{ "http://[::1/c", NULL, NULL },
		{ "http://[]/c", NULL, NULL },
		{ "http://[::1]b/c", NULL, NULL },
		{ "ftp://b/c", NULL, NULL },
		{ "file:///c", NULL, NULL },
		{ "/a#b", NULL, NULL },
		{ "/a\"b", NULL, NULL },
		{ "/a<b", NULL, NULL },
		{ "/a>b", NULL, NULL },
		{ "/a\\b", NULL, NULL },
		{ "\\a", NULL, NULL },
		{ "/a\tb", NULL, NULL },
		{ "/a\x7f", NULL, NULL },
		{ "/a b", NULL, NULL },
		{ "/\xc3\xbc", NULL, NULL },
		{ "", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *expected = rows[i].path;
		struct http_text target = make_text(rows[i].target);
		struct http_text path = { NULL, 0 }, host = { "a.example", 9 };
		int result = http_target_split(target, &path, &host);

		if (result != (expected ? 0 : -EBADMSG))
			fail_msg("%s: %d", rows[i].target, result);
		if (expected && (!is_equal(path, expected) || !is_equal(host, rows[i].host)))
			fail_msg("%s: path %.*s, host %.*s", rows[i].target, (int)path.len,
				 path.data, (int)host.len, host.data);
		free((char *)target.data);
	}
}

static void test_hosts(void **state)
{
	static const struct {
		const char *host;
		bool is_one;
	} rows[] = {
		{ "a", true },
		{ "a.example:443", true },
		{ "a.example.", true },
		{ "A_b-c~d", true },
		{ "a%20b", true },
		{ "1.2.3.4", true },
		{ "[2001:db8::1]", true },
		{ "[::1]:443", true },
		{ " a", false },
		{ "a:", true },
		{ "a:65535", true },
		{ "a:65536", false },
		{ "a:-1", false },
		{ "a:+1", false },
		{ "a:1 2", false },
		{ "", false },
		{ " ", false },
		{ ":443", false },
		{ "a b", false },
		{ "a, b", false },
		{ "a/b", false },
		{ "a@b", false },
		{ "a?b", false },
		{ "a#b", false },
		{ "a\\b", false },
		{ "[::1", false },
		{ "[]", false },
		{ "[::1]a", false },
		{ "[::[1]]", false },
		{ "http://a", false },
		{ "\xc3\xbc", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_text host = make_text(rows[i].host);

		if (http_is_authority(host) != rows[i].is_one)
			fail_msg("%s", rows[i].host);
		free((char *)host.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
