/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records on their way through a socket: split, merged, waiting, cut off. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/keys.h"
#include "base/pool.h"
#include "base/util.h"
#include "tls/record.h"
#include "vectors/vectors.h"

static const uint16_t suites[] = { 0x1301, 0x1303, 0x1304, 0xc02f, 0xc0ac, 0xcca9 };
static bool fail_pool;

struct pool_buffer *__real_pool_get(struct pool *p);
struct pool_buffer *__wrap_pool_get(struct pool *p);

struct pool_buffer *__wrap_pool_get(struct pool *p)
{
	return fail_pool ? NULL : __real_pool_get(p);
}

/* One direction: what `tx` seals goes by hand or by record_send() to the socket of `rx`. */
struct way {
	int from, to;
	struct keys *tx_keys, *rx_keys;
	struct pool pool;
	struct record_tx tx;
	struct record_rx rx;
	uint8_t wire[64 * 1024]; /* sealed by way_seal(), not sent yet */
	size_t wire_len;
};

static struct way way;

static void way_open(uint16_t suite)
{
	int pair[2];

	memset(&way, 0, sizeof(way));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	way.from = pair[0];
	way.to = pair[1];
	way.tx_keys = vector_keys(suite);
	way.rx_keys = vector_keys(suite);
	pool_init(&way.pool, 2);
}

static void way_close(void)
{
	pool_put(&way.pool, &way.tx.buf);
	pool_put(&way.pool, &way.rx.buf);
	assert_int_equal(way.pool.n_out, 0);
	pool_fini(&way.pool);
	keys_free(way.tx_keys);
	keys_free(way.rx_keys);
	fd_close(&way.from);
	fd_close(&way.to);
}

static void way_seal(uint8_t type, const void *data, size_t len)
{
	uint8_t *at = way.wire + way.wire_len;
	ssize_t n;

	assert_true(way.wire_len + len + 64 < sizeof(way.wire));
	if (len)
		memcpy(at + record_headroom(way.tx_keys->suite), data, len);
	n = record_seal(way.tx_keys, type, at, len);
	assert_true(n > 0);
	way.wire_len += (size_t)n;
}

static void way_write(size_t from, size_t to)
{
	if (to > from)
		assert_int_equal(send(way.from, way.wire + from, to - from, 0), to - from);
}

static ssize_t way_recv(uint8_t *type, void *buf, size_t cap)
{
	return record_recv(way.to, way.rx_keys, &way.rx, &way.pool, type, buf, cap);
}

static ssize_t way_send(uint8_t type, const void *buf, size_t len)
{
	return record_send(way.from, way.tx_keys, &way.tx, &way.pool, type, buf, len, false);
}

static void assert_receives(uint8_t type, const char *text)
{
	uint8_t got_type = 0;
	char buf[64];

	assert_int_equal(way_recv(&got_type, buf, sizeof(buf)), strlen(text));
	assert_int_equal(got_type, type);
	assert_memory_equal(buf, text, strlen(text));
}

static void assert_receives_error(int error)
{
	uint8_t type;
	char buf[64];

	assert_int_equal(way_recv(&type, buf, sizeof(buf)), error);
}

static void three_in_one_read(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(suites); s++) {
		way_open(suites[s]);
		way_seal(RECORD_DATA, "one", 3);
		way_seal(RECORD_ALERT, "\2\50", 2);
		way_seal(RECORD_DATA, "three", 5);
		way_write(0, way.wire_len);
		assert_receives(RECORD_DATA, "one");
		assert_true(record_rx_pending(&way.rx));
		assert_receives(RECORD_ALERT, "\2\50");
		assert_true(record_rx_pending(&way.rx));
		assert_receives(RECORD_DATA, "three");
		assert_false(record_rx_pending(&way.rx));
		assert_int_equal(way.pool.n_out, 0);
		assert_receives_error(-EAGAIN);
		assert_int_equal(way.pool.n_out, 0);
		way_close();
	}
}

static void one_byte_at_a_time(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(suites); s++) {
		size_t first;

		way_open(suites[s]);
		way_seal(RECORD_DATA, "one", 3);
		first = way.wire_len;
		way_seal(RECORD_HANDSHAKE, "two", 3);
		for (size_t i = 0; i < way.wire_len; i++) {
			assert_receives_error(-EAGAIN);
			way_write(i, i + 1);
			if (i + 1 == first)
				assert_receives(RECORD_DATA, "one");
		}
		assert_receives(RECORD_HANDSHAKE, "two");
		assert_receives_error(-EAGAIN);
		assert_int_equal(way.pool.n_out, 0);
		way_close();
	}
}

static void split_anywhere(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(suites); s++) {
		size_t n = 0, first = 0;

		for (size_t at = 0; at <= n; at++) {
			way_open(suites[s]);
			way_seal(RECORD_DATA, "one", 3);
			first = way.wire_len;
			way_seal(RECORD_DATA, "two", 3);
			n = way.wire_len;
			way_write(0, at);
			if (at >= first)
				assert_receives(RECORD_DATA, "one");
			if (at < n)
				assert_receives_error(-EAGAIN);
			way_write(at, n);
			if (at < first)
				assert_receives(RECORD_DATA, "one");
			assert_receives(RECORD_DATA, "two");
			way_close();
		}
	}
}

static void small_caps(void **state)
{
	uint8_t type;
	char c;

	(void)state;
	way_open(0x1301);
	way_seal(RECORD_DATA, "abc", 3);
	way_seal(RECORD_HANDSHAKE, "de", 2);
	way_write(0, way.wire_len);
	for (const char *want = "abcde"; *want; want++) {
		assert_int_equal(way_recv(&type, &c, 1), 1);
		assert_int_equal(c, *want);
		assert_int_equal(type, *want < 'd' ? RECORD_DATA : RECORD_HANDSHAKE);
	}
	assert_receives_error(-EAGAIN);
	way_close();
}

static void empty_records(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(suites); s++) {
		way_open(suites[s]);
		way_seal(RECORD_DATA, NULL, 0);
		way_seal(RECORD_DATA, NULL, 0);
		way_seal(RECORD_HANDSHAKE, NULL, 0);
		way_seal(RECORD_DATA, "x", 1);
		way_write(0, way.wire_len);
		assert_receives(RECORD_DATA, "");
		assert_receives(RECORD_DATA, "");
		assert_receives(RECORD_HANDSHAKE, "");
		assert_receives(RECORD_DATA, "x");
		assert_receives_error(-EAGAIN);
		way_close();
	}
}

/* The peer's FIN after every number of bytes of two records. */
static void end_anywhere(void **state)
{
	size_t n = 0, first = 0;

	(void)state;
	for (size_t at = 0; at <= n; at++) {
		way_open(0xc02f);
		way_seal(RECORD_DATA, "one", 3);
		first = way.wire_len;
		way_seal(RECORD_DATA, "two", 3);
		n = way.wire_len;
		way_write(0, at);
		fd_close(&way.from);
		if (at >= first)
			assert_receives(RECORD_DATA, "one");
		if (at >= n)
			assert_receives(RECORD_DATA, "two");
		for (int again = 0; again < 2; again++) {
			uint8_t type = 1;
			char c;

			if (at == 0 || at == first || at == n) {
				assert_int_equal(way_recv(&type, &c, 1), 0);
				assert_int_equal(type, 0);
			} else {
				assert_int_equal(way_recv(&type, &c, 1), -ENODATA);
			}
		}
		way_close();
	}
}

/* What precedes a bad record is given; the error stays. */
static void bad_record_after_good(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(suites); s++) {
		way_open(suites[s]);
		way_seal(RECORD_DATA, "good", 4);
		way_seal(RECORD_DATA, "bad", 3);
		way.wire[way.wire_len - 1] ^= 1;
		way_write(0, way.wire_len);
		assert_receives(RECORD_DATA, "good");
		assert_receives_error(-EBADMSG);
		assert_receives_error(-EBADMSG);
		way_close();
	}
}

/* The header is judged before the body comes. */
static void bad_headers(void **state)
{
	(void)state;
	way_open(0x1301);
	memcpy(way.wire, "\x17\x03\x03\x40\x12", 5);
	way_write(0, 5);
	assert_receives_error(-EMSGSIZE);
	way_close();
	way_open(0x1301);
	memcpy(way.wire, "HTTP/", 5);
	way_write(0, 4);
	assert_receives_error(-EAGAIN);
	way_write(4, 5);
	assert_receives_error(-EINVAL);
	way_close();
}

static void without_memory(void **state)
{
	(void)state;
	way_open(0x1301);
	fail_pool = true;
	assert_int_equal(way_send(RECORD_DATA, "x", 1), -ENOMEM);
	assert_receives_error(-ENOMEM);
	fail_pool = false;
	assert_int_equal(way_send(RECORD_DATA, "x", 1), 1);
	assert_receives(RECORD_DATA, "x");
	way_close();
}

static void send_to_nobody(void **state)
{
	(void)state;
	way_open(0x1301);
	fd_close(&way.to);
	assert_int_equal(way_send(RECORD_DATA, "x", 1), -EPIPE); /* and no signal */
	way_close();
}

/* Fills the socket: what was taken arrives, what was refused was not sealed. */
static void full_socket(void **state)
{
	static uint8_t out[20000], in[20000];
	size_t taken = 0, got = 0;
	ssize_t n;
	uint8_t type;

	(void)state;
	vector_fill(out, sizeof(out));
	way_open(0xc02f);
	while ((n = way_send(RECORD_DATA, out, sizeof(out))) > 0) {
		assert_int_equal(n, RECORD_PLAIN_MAX);
		taken += (size_t)n;
	}
	assert_int_equal(n, -EAGAIN);
	assert_non_null(way.tx.buf);
	assert_int_equal(record_flush(way.from, &way.tx, &way.pool), -EAGAIN);
	assert_int_equal(way.tx_keys->seq, taken / RECORD_PLAIN_MAX);
	while (got < taken) {
		n = way_recv(&type, in, sizeof(in));
		if (n == -EAGAIN) {
			assert_int_equal(record_flush(way.from, &way.tx, &way.pool), 0);
			continue;
		}
		assert_int_equal(n, RECORD_PLAIN_MAX);
		assert_memory_equal(in, out, RECORD_PLAIN_MAX);
		got += (size_t)n;
	}
	assert_receives_error(-EAGAIN);
	assert_int_equal(way.pool.n_out, 0);
	way_close();
}

/* Records of many sizes, arriving in pieces of many sizes, read in pieces of many sizes. */
static void many_sizes(void **state)
{
	enum { N_RECORDS = 400, LEN_MAX = 3000 };
	uint8_t out[LEN_MAX], in[LEN_MAX], type;
	unsigned int seed = 4711;

	(void)state;
	way_open(0x1303);
	for (int i = 0; i < N_RECORDS; i++) {
		size_t len = 1 + (size_t)rand_r(&seed) % LEN_MAX, sent = 0, got = 0;

		memset(out, i, len);
		way.wire_len = 0;
		way_seal(RECORD_DATA, out, len);
		while (got < len) {
			size_t piece = 1 + (size_t)rand_r(&seed) % 900;
			size_t to = MIN_OF(sent + piece, way.wire_len);
			ssize_t n = 0;

			way_write(sent, to);
			sent = to;
			while ((n = way_recv(&type, in + got, 1 + (size_t)rand_r(&seed) % len)) > 0)
				got += (size_t)n;
			assert_int_equal(n, -EAGAIN);
		}
		assert_int_equal(got, len);
		assert_memory_equal(in, out, len);
	}
	assert_int_equal(way.pool.n_out, 0);
	way_close();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_in_one_read),	 cmocka_unit_test(one_byte_at_a_time),
		cmocka_unit_test(split_anywhere),	 cmocka_unit_test(small_caps),
		cmocka_unit_test(empty_records),	 cmocka_unit_test(end_anywhere),
		cmocka_unit_test(bad_record_after_good), cmocka_unit_test(bad_headers),
		cmocka_unit_test(without_memory),	 cmocka_unit_test(send_to_nobody),
		cmocka_unit_test(full_socket),		 cmocka_unit_test(many_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
