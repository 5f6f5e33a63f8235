/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets added up: whose they are, where their records are, and what is in no slot. */
#include "host/socket_tally.h"

#include <linux/tls.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/suite.h"
#include "serve/roster.h"

static struct socket_tally tally;

static struct ktls_socket make(uint64_t cookie, uint8_t tx, uint8_t rx)
{
	struct ktls_socket s = { .cookie = cookie,
				 .state = TCP_ESTABLISHED,
				 .version = TLS13,
				 .cipher = TLS_CIPHER_AES_GCM_256 };

	s.dir[KTLS_TX].conf = tx;
	s.dir[KTLS_RX].conf = rx;
	if (tx == KTLS_CONF_HW || rx == KTLS_CONF_HW)
		snprintf(s.device, sizeof(s.device), "eth0");
	return s;
}

static void test_owners(void **state)
{
	const struct roster_tag tags[] = { { 2, CONN_OPEN },
					   { 4, CONN_DRAIN },
					   { 6, CONN_CLOSED } };
	struct ktls_socket sockets[] = {
		make(1, KTLS_CONF_SW, KTLS_CONF_BASE), make(2, KTLS_CONF_SW, KTLS_CONF_SW),
		make(3, KTLS_CONF_SW, KTLS_CONF_HW),   make(4, KTLS_CONF_HW, KTLS_CONF_SW),
		make(6, KTLS_CONF_HW, KTLS_CONF_SW),
	};
	int version = socket_tally_version_slot(TLS13);
	int cipher = socket_tally_cipher_slot(TLS_CIPHER_AES_GCM_256);

	(void)state;
	sockets[2].state = TCP_CLOSE_WAIT;
	socket_tally_count(&tally, sockets, 5, tags, 3);
	assert_int_equal(tally.n, 5);
	assert_int_equal(tally.other[TX][TALLY_KERNEL][version][cipher][TALLY_OPEN], 1);
	assert_int_equal(tally.other[RX][TALLY_NONE][version][cipher][TALLY_OPEN], 1);
	assert_int_equal(tally.other[TX][TALLY_KERNEL][version][cipher][TALLY_CLOSING], 1);
	assert_int_equal(tally.other[RX][TALLY_DEVICE][version][cipher][TALLY_CLOSING], 1);
	assert_int_equal(tally.own_device[TX][version][cipher][CONN_DRAIN], 1);
	assert_int_equal(tally.own_device[TX][version][cipher][CONN_OPEN], 0);
	assert_int_equal(tally.n_devices, 1);
	assert_string_equal(tally.devices[0].name, "eth0");
	assert_int_equal(tally.devices[0].n[TX], 2);
	assert_int_equal(tally.devices[0].n[RX], 1);
}

/* The device is gone, and the kernel does what its structures say the device does. */
static void test_degraded(void **state)
{
	struct ktls_socket s = make(1, KTLS_CONF_HW, KTLS_CONF_SW);

	(void)state;
	s.flags = KTLS_SOCKET_DEGRADED;
	s.version = TLS12;
	s.cipher = TLS_CIPHER_ARIA_GCM_128;
	socket_tally_count(&tally, &s, 1, NULL, 0);
	assert_int_equal(tally.degraded[TX], 1);
	assert_int_equal(tally.degraded[RX], 0);
	assert_int_equal(tally.n_devices, 0);
	assert_int_equal(tally.other[TX][TALLY_KERNEL][1][TALLY_N_CIPHERS - 1][TALLY_OPEN], 1);
	assert_int_equal(tally.reasons[0][TX][REASON_DEVICE_LOST], 1);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(socket_tally_version(socket_tally_version_slot(0)), "none");
	assert_string_equal(socket_tally_version(socket_tally_version_slot(TLS12)), "1.2");
	assert_string_equal(socket_tally_version(socket_tally_version_slot(TLS13)), "1.3");
	assert_string_equal(socket_tally_cipher(socket_tally_cipher_slot(0)), "none");
	assert_string_equal(
		socket_tally_cipher(socket_tally_cipher_slot(TLS_CIPHER_CHACHA20_POLY1305)), "chach"
											     "a20-"
											     "poly1"
											     "305");
	assert_string_equal(socket_tally_cipher(socket_tally_cipher_slot(UINT16_MAX)), "other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_degraded),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
