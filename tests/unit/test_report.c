/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of sockets: what is in them, and what is left out because nobody can know it. */
#include <errno.h>
#include <linux/tls.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/util.h"
#include "bpf/report.h"

static const struct report_reader reader = { .now_ns = 5000 * NS_PER_MS, .netns = 7 };

static struct ktls_socket old_socket(void)
{
	struct ktls_socket s = {
		.cookie = 9001,
		.inode = 90001,
		.bytes_acked = 5000,
		.bytes_received = 300,
		.netns = 7,
		.uid = 33,
		.family = AF_INET,
		.local_addr = { 198, 51, 100, 1 },
		.remote_addr = { 192, 0, 2, 8 },
		.local_port = 443,
		.remote_port = 55123,
		.version = 0x0304,
		.cipher = TLS_CIPHER_AES_GCM_256,
		.egress_features = KTLS_EGRESS_KNOWN | KTLS_EGRESS_UP,
		.egress = "eth0",
	};

	s.dir[KTLS_TX] = (struct ktls_direction){
		.conf = KTLS_CONF_SW, .seq = 12, .seq_initial = 2, .seq_initial_known = 1
	};
	return s;
}

static void assert_row(const struct ktls_socket *s, const char *expected)
{
	_cleanup_json_ struct json *row = report_socket(s, &reader);
	_cleanup_free_ char *text = json_print(row);

	assert_string_equal(text, expected);
}

static void an_old_socket_has_no_counts(void **state)
{
	struct ktls_socket s = old_socket();

	assert_row(&s, "{\"cookie\":9001,\"owner\":\"other\",\"local\":\"198.51.100.1:443\","
		       "\"peer\":\"192.0.2.8:55123\",\"version\":\"1.3\",\"cipher\":\"aes-gcm-"
		       "256\","
		       "\"tx\":{\"mode\":\"kernel\",\"offload\":\"device-no-feature\",\"records\":"
		       "10,"
		       "\"wire_bytes\":5000},"
		       "\"rx\":{\"mode\":\"none\",\"reason\":\"ktls-no-key\",\"wire_bytes\":300},"
		       "\"egress\":\"eth0\",\"inode\":90001,\"uid\":33}");
	(void)state;
}

static void one_that_was_seen_has_them(void **state)
{
	struct ktls_socket s = old_socket();

	s.version = 0x0303;
	s.since_ns = 4000 * NS_PER_MS;
	s.netns = 8;
	s.installer_pid = 17;
	strcpy(s.installer_comm, "nginx");
	s.egress_features |= KTLS_EGRESS_TX_SUPPORTED | KTLS_EGRESS_TX_ACTIVE;
	s.dir[KTLS_TX].keys_seen = 1;
	s.dir[KTLS_TX].offer = KTLS_OFFER_DRIVER;
	s.dir[KTLS_TX].device_errno = ENOMEM;
	s.dir[KTLS_TX].errors = 2;
	s.last_error_ns = 1;
	s.last_errno = EBADMSG;
	assert_row(&s, "{\"cookie\":9001,\"owner\":\"other\",\"local\":\"198.51.100.1:443\","
		       "\"peer\":\"192.0.2.8:55123\",\"version\":\"1.2\",\"cipher\":\"aes-gcm-"
		       "256\","
		       "\"tx\":{\"mode\":\"kernel\",\"offload\":\"device-refused\","
		       "\"offload_errno\":\"ENOMEM\",\"records\":10,\"wire_bytes\":5000,\"errors\":"
		       "2,"
		       "\"rekeys\":0},"
		       "\"rx\":{\"mode\":\"none\",\"reason\":\"ktls-no-key\",\"wire_bytes\":300},"
		       "\"installer\":{\"pid\":17,\"comm\":\"nginx\"},\"since_ms\":1000,"
		       "\"last_error\":\"EBADMSG\",\"egress\":\"eth0\",\"netns\":8,\"inode\":90001,"
		       "\"uid\":33}");
	(void)state;
}

static void a_key_that_was_refused_is_told_with_its_errno(void **state)
{
	struct ktls_socket s = old_socket();
	_cleanup_json_ struct json *row = NULL;
	const char *reason, *error;
	struct json *rx;

	s.dir[KTLS_RX].key_errno = ENOENT;
	row = report_socket(&s, &reader);
	assert_int_equal(json_get_object(row, "rx", &rx), 0);
	assert_int_equal(json_get_string(rx, "reason", &reason), 0);
	assert_int_equal(json_get_string(rx, "errno", &error), 0);
	assert_string_equal(reason, "ktls-key-refused");
	assert_string_equal(error, "ENOENT");
	(void)state;
}

static void a_device_that_went_down_is_no_device(void **state)
{
	struct ktls_socket s = old_socket();
	_cleanup_json_ struct json *row = NULL;
	const char *mode, *offload;
	struct json *tx;
	bool degraded;

	s.dir[KTLS_TX].conf = KTLS_CONF_HW;
	assert_string_equal(report_mode(&s, KTLS_TX), "device");
	s.flags = KTLS_SOCKET_DEGRADED;
	row = report_socket(&s, &reader);
	assert_int_equal(json_get_object(row, "tx", &tx), 0);
	assert_int_equal(json_get_string(tx, "mode", &mode), 0);
	assert_int_equal(json_get_string(tx, "offload", &offload), 0);
	assert_int_equal(json_get_bool(row, "degraded", &degraded), 0);
	assert_string_equal(mode, "kernel");
	assert_string_equal(offload, "device-lost");
	assert_true(degraded);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_old_socket_has_no_counts),
		cmocka_unit_test(one_that_was_seen_has_them),
		cmocka_unit_test(a_key_that_was_refused_is_told_with_its_errno),
		cmocka_unit_test(a_device_that_went_down_is_no_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
