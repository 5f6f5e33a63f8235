/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of peers, as the log shows them. */
#include "serve/peer.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

static void assert_shown(int family, const char *address, uint16_t port, const char *text)
{
	struct sockaddr_storage storage = { .ss_family = (sa_family_t)family };
	struct sockaddr_in *in = (struct sockaddr_in *)&storage;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;
	struct peer p;

	if (family == AF_INET)
		in->sin_port = htons(port);
	else
		in6->sin6_port = htons(port);
	assert_int_equal(inet_pton(family, address,
				   family == AF_INET ? (void *)&in->sin_addr :
						       (void *)&in6->sin6_addr),
			 1);
	p = peer_of(&storage);
	assert_string_equal(peer_text(&p).s, text);
}

static void texts(void **state)
{
	(void)state;
	assert_shown(AF_INET, "192.0.2.1", 443, "192.0.2.1:443");
	assert_shown(AF_INET, "255.255.255.255", 65535, "255.255.255.255:65535");
	assert_shown(AF_INET6, "2001:db8::1", 1, "[2001:db8::1]:1");
	assert_shown(AF_INET6, "fedc:ba98:7654:3210:fedc:ba98:7654:3210", 65535,
		     "[fedc:ba98:7654:3210:fedc:ba98:7654:3210]:65535");
}

/* A listener at [::] has IPv4 clients too (RFC 4291 2.5.5.2). */
static void mapped(void **state)
{
	(void)state;
	assert_shown(AF_INET6, "::ffff:192.0.2.1", 443, "192.0.2.1:443");
	assert_shown(AF_INET6, "::", 0, "[::]:0");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(texts), cmocka_unit_test(mapped) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
