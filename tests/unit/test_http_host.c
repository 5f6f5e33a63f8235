/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host headers of a browser that was sent here by its user, or by somebody else. */
#include "host/http_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"

static void test_local(void **state)
{
	static const char *const hosts[] = {
		"127.0.0.1:9464",
		"127.0.0.1",
		"[::1]:9464",
		"[::1]",
		"10.1.2.3:80",
		"[2001:db8::1]:1",
		"localhost:9464",
		"LocalHost",
		"a.localhost:1",
		"metrics.example",
		"METRICS.example:12345",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		assert_true(http_host_is_local(hosts[i], "metrics.example:9464"));
}

static void test_not_local(void **state)
{
	static const char *const hosts[] = {
		"",
		":9464",
		"evil.example:9464",
		"localhost.evil.example",
		"evillocalhost",
		"127.0.0.1.evil.example:9464",
		"metrics.example.evil.example",
		"[evil.example]:9464",
		"127.1",
		"metrics.exampl",
	};
	char name[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		assert_false(http_host_is_local(hosts[i], "metrics.example:9464"));
		assert_false(http_host_is_local(hosts[i], NULL));
	}
	memset(name, 'a', sizeof(name));
	memcpy(name + sizeof(name) - 11, ".localhost", 11);
	assert_false(http_host_is_local(name, NULL));
}

/* A configuration that names no host, such as unix:PATH or an address, opens to no name. */
static void test_configured_without_a_name(void **state)
{
	(void)state;
	assert_false(http_host_is_local("evil.example", "127.0.0.1:9464"));
	assert_false(http_host_is_local("", ":9464"));
	assert_false(http_host_is_local("evil.example", "off"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_not_local),
		cmocka_unit_test(test_configured_without_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
