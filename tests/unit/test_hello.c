/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The look at a ClientHello, and the match of its name with certificates' names. */
#include "tls/hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tls/certificate.h"

/* A minimal ClientHello with server name "Www.Example.org"; the lengths are filled in. */
static size_t make_hello(uint8_t *p, const char *name)
{
	size_t n = strlen(name), at = 0;
	uint8_t ext[] = { 0, 0, 0, (uint8_t)(n + 5), 0, (uint8_t)(n + 3), 0, 0, (uint8_t)n };
	size_t body = 2 + 32 + 1 + 4 + 2 + 2 + sizeof(ext) + n;
	uint8_t head[] = { 22, 3, 1, 0, (uint8_t)(body + 4), 1, 0, 0, (uint8_t)body, 3, 3 };

	memcpy(p, head, sizeof(head));
	at = sizeof(head);
	memset(p + at, 0xaa, 32);
	at += 32;
	memcpy(p + at, (uint8_t[]){ 0, 0, 2, 0x13, 0x01, 1, 0 }, 7);
	at += 7;
	p[at++] = 0;
	p[at++] = (uint8_t)(sizeof(ext) + n);
	memcpy(p + at, ext, sizeof(ext));
	at += sizeof(ext);
	memcpy(p + at, name, n);
	return at + n;
}

static void test_partial_at_every_byte(void **state)
{
	uint8_t p[256];
	size_t len = make_hello(p, "a.example");

	(void)state;
	for (size_t n = 1; n < len; n++)
		assert_int_equal(hello_check(p, n), HELLO_PARTIAL);
	assert_int_equal(hello_check(p, len), HELLO_WHOLE);
}

static void test_not_tls(void **state)
{
	static const char *const texts[] = { "GET / HTTP/1.1\r\n", "PROXY TCP4", "\x80\x2e\x01",
					     "\x16\x02\x00", "\x16\x03\x01\x00\x05\x02" };
	static const size_t lens[] = { 16, 10, 3, 3, 6 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(hello_check((const uint8_t *)texts[i], lens[i]), HELLO_NOT_TLS);
}

static void test_server_name(void **state)
{
	uint8_t p[256];
	char name[HELLO_NAME_MAX];
	size_t len = make_hello(p, "Www.Example.org");

	(void)state;
	hello_server_name(p, len, name);
	assert_string_equal(name, "www.example.org");
	for (size_t n = 0; n < len; n++) /* never reads past the end, never invents a name */
		hello_server_name(p, n, name);
	len = make_hello(p, "evil\nname");
	hello_server_name(p, len, name);
	assert_string_equal(name, "");
}

static void test_match(void **state)
{
	char *list[] = { (char *)"example.org", (char *)"*.example.net" };
	struct certificate certificate = { .name = list, .n_names = 2 };

	(void)state;
	assert_true(certificate_matches(&certificate, "example.org"));
	assert_false(certificate_matches(&certificate, "www.example.org"));
	assert_true(certificate_matches(&certificate, "a.example.net"));
	assert_false(certificate_matches(&certificate, "a.b.example.net"));
	assert_false(certificate_matches(&certificate, "example.net"));
	assert_false(certificate_matches(&certificate, ".example.net"));
	assert_false(certificate_matches(&certificate, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_partial_at_every_byte),
		cmocka_unit_test(test_not_tls),
		cmocka_unit_test(test_server_name),
		cmocka_unit_test(test_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
