/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address texts, and the child that resolves names. Linked with --wrap=getaddrinfo: the test is
 * the resolver of every name, while numbers go to the real function.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "host/address.h"
#include "host/config.h"

int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		       struct addrinfo **found);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		       struct addrinfo **found);

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		       struct addrinfo **found)
{
	if (hints->ai_flags & AI_NUMERICHOST)
		return __real_getaddrinfo(host, port, hints, found);
	if (!strcmp(host, "slow.test"))
		for (;;)
			pause();
	if (!strcmp(host, "crash.test"))
		_exit(1);
	if (!strcmp(host, "later.test"))
		return EAI_AGAIN;
	if (!strcmp(host, "unprivileged.test") && geteuid() && getuid() && getgid())
		return __real_getaddrinfo("192.0.2.7", port, hints, found);
	return EAI_NONAME;
}

static void test_split(void **state)
{
	static const struct {
		const char *text, *host, *port, *why;
	} rows[] = {
		{ "127.0.0.1:8443", "127.0.0.1", "8443", NULL },
		{ "[::1]:443", "::1", "443", NULL },
		{ "[fe80::1%eth0]:443", "fe80::1%eth0", "443", NULL },
		{ "name.example:00443", "name.example", "443", NULL },
		{ "", NULL, NULL, "needs a port: HOST:PORT" },
		{ "name", NULL, NULL, "needs a port: HOST:PORT" },
		{ ":80", NULL, NULL, "needs a port: HOST:PORT" },
		{ "name:", NULL, NULL, "needs a port from 1 to 65535 after its last colon" },
		{ "name:http", NULL, NULL, "needs a port from 1 to 65535 after its last colon" },
		{ "name:0", NULL, NULL, "needs a port from 1 to 65535 after its last colon" },
		{ "name:65536", NULL, NULL, "needs a port from 1 to 65535 after its last colon" },
		{ "name: 80", NULL, NULL, "needs a port from 1 to 65535 after its last colon" },
		{ "[::1]", NULL, NULL, "needs a port from 1 to 65535 after its last colon" },
		{ "[]:80", NULL, NULL, "has no ']' before its port" },
		{ "[::1:80", NULL, NULL, "has no ']' before its port" },
		{ "::1:80", NULL, NULL, "is IPv6 without brackets: write [ADDRESS]:PORT" },
		{ "*:80", NULL, NULL, "names no host: write 0.0.0.0 or [::] for all addresses" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address_text parts;
		const char *why = NULL;
		int r = address_split(rows[i].text, &parts, &why);

		if (rows[i].why) {
			assert_int_equal(r, -EINVAL);
			assert_string_equal(why, rows[i].why);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(parts.host, rows[i].host);
		assert_string_equal(parts.port, rows[i].port);
	}
}

static void test_split_long_host(void **state)
{
	char text[ADDRESS_HOST_MAX + 5];
	struct address_text parts;
	const char *why;

	(void)state;
	memset(text, 'a', ADDRESS_HOST_MAX);
	strcpy(text + ADDRESS_HOST_MAX, ":80");
	assert_int_equal(address_split(text, &parts, &why), 0);
	memset(text, 'a', ADDRESS_HOST_MAX + 1);
	strcpy(text + ADDRESS_HOST_MAX + 1, ":80");
	assert_int_equal(address_split(text, &parts, &why), -EINVAL);
	assert_string_equal(why, "has a host name that is too long");
}

static int resolve(const char *text, unsigned timeout_ms, struct config_address *address,
		   const char **why)
{
	struct address_text parts;
	int r;

	memset(address, 0xff, sizeof(*address));
	*why = "";
	assert_int_equal(address_split(text, &parts, why), 0);
	r = address_resolve(&parts, timeout_ms, address, why);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
	assert_int_equal(errno, ECHILD);
	return r;
}

static void test_numbers(void **state)
{
	struct config_address address, again;
	struct sockaddr_in sin;
	const char *why;

	(void)state;
	assert_int_equal(resolve("192.0.2.1:80", 0, &address, &why), 0);
	memcpy(&sin, address.bytes, sizeof(sin));
	assert_int_equal(address.len, sizeof(sin));
	assert_int_equal(sin.sin_family, AF_INET);
	assert_int_equal(sin.sin_port, htons(80));
	assert_int_equal(sin.sin_addr.s_addr, inet_addr("192.0.2.1"));
	assert_int_equal(resolve("192.0.2.1:80", 0, &again, &why), 0);
	assert_true(address_equals(&address, &again));
	assert_int_equal(resolve("192.0.2.1:81", 0, &again, &why), 0);
	assert_false(address_equals(&address, &again));
	assert_int_equal(resolve("[2001:db8::1]:80", 0, &again, &why), 0);
	assert_int_equal(again.len, sizeof(struct sockaddr_in6));
	assert_false(address_equals(&address, &again));
}

static void test_name(void **state)
{
	struct config_address address, expected;
	const char *why;

	(void)state;
	assert_int_equal(resolve("unprivileged.test:80", 5000, &address, &why), 0);
	assert_int_equal(resolve("192.0.2.7:80", 0, &expected, &why), 0);
	assert_true(address_equals(&address, &expected));
}

static void test_bad_names(void **state)
{
	struct config_address address;
	uint64_t start = now_ns();
	const char *why;

	(void)state;
	assert_int_equal(resolve("nothing.test:80", 5000, &address, &why), -EADDRNOTAVAIL);
	assert_string_equal(why, "has a name that the resolver does not know");
	assert_int_equal(resolve("later.test:80", 5000, &address, &why), -EADDRNOTAVAIL);
	assert_string_equal(why, "has a name that the resolver cannot look up now; is the network "
				 "up?");
	assert_int_equal(resolve("crash.test:80", 5000, &address, &why), -EPROTO);
	assert_string_equal(why, "has a name, and the resolver could not be run");
	assert_int_equal(resolve("slow.test:80", 100, &address, &why), -ETIMEDOUT);
	assert_string_equal(why, "has a name that the resolver did not answer for in time");
	assert_true(now_ns() - start < 5000 * NS_PER_MS);
}

static void test_unix(void **state)
{
	enum { OFFSET = offsetof(struct sockaddr_un, sun_path) };
	struct config_address address;
	char path[110];

	(void)state;
	assert_int_equal(address_unix("/run/a", &address), 0);
	assert_int_equal(address.len, OFFSET + 7);
	assert_string_equal((const char *)address.bytes + OFFSET, "/run/a");
	assert_int_equal(address_unix("@a", &address), 0);
	assert_int_equal(address.len, OFFSET + 2);
	assert_memory_equal(address.bytes + OFFSET, "\0a", 2);
	assert_int_equal(address_unix("", &address), -EINVAL);
	memset(path, 'a', sizeof(path));
	path[107] = '\0';
	assert_int_equal(address_unix(path, &address), 0);
	assert_int_equal(address.len, sizeof(struct sockaddr_un));
	path[107] = 'a';
	path[108] = '\0';
	assert_int_equal(address_unix(path, &address), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),	  cmocka_unit_test(test_split_long_host),
		cmocka_unit_test(test_numbers),	  cmocka_unit_test(test_name),
		cmocka_unit_test(test_bad_names), cmocka_unit_test(test_unix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
