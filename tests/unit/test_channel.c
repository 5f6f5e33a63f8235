/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one body of tests for the channel's interface, run over the record layers of user space
 * and kernel, and over one in each direction. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/util.h"
#include "pair.h"
#include "sha256.h"
#include "tls/ktls.h"
#include "vectors/vectors.h"

enum { DATA_MAX = 65537 };

static struct pair p;

static int setup(void **state)
{
	(void)state;
	pair_open(&p, current.suite, current.layer);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pair_close(&p);
	return 0;
}

static bool rx_in_kernel(void)
{
	return current.layer->in_kernel[RX];
}

/* len bytes of data from one to the other, whatever fits at a time; equal by hash. */
static void transfer(struct channel *from, struct channel *to, size_t len)
{
	static uint8_t out[DATA_MAX], in[DATA_MAX + 1];
	uint8_t want[SHA256_LEN], got[SHA256_LEN];
	size_t sent = 0, received = 0;

	vector_fill(out, len);
	do {
		struct channel_event e = channel_send(from, RECORD_DATA, out + sent, len - sent);

		assert_in_range(e.result, CHANNEL_DATA, CHANNEL_AGAIN);
		sent += e.len;
		channel_flush(from);
		while ((e = channel_recv(to, in + received, sizeof(in) - received)).result ==
		       CHANNEL_DATA)
			received += e.len;
		assert_int_equal(e.result, CHANNEL_AGAIN);
		if (received < sent)
			wait_for(to->fd, POLLIN);
	} while (received < len);
	sha256_of(out, len, want);
	sha256_of(in, received, got);
	assert_int_equal(received, len);
	assert_memory_equal(got, want, SHA256_LEN);
	assert_true(is_idle(to));
	assert_false(channel_has_unsent(from));
}

static void data(void **state)
{
	static const size_t sizes[] = { 0, 1, 16383, 16384, 16385, DATA_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		transfer(&p.subject, &p.peer, sizes[i]);
		transfer(&p.peer, &p.subject, sizes[i]);
	}
}

/* Records of several types: none lost, none mixed with its neighbours, none taken for data. */
static void control_between_data(struct channel *from, struct channel *to)
{
	static const struct {
		uint8_t type;
		const char *bytes;
	} rows[] = {
		{ RECORD_DATA, "first" },	 { RECORD_ALERT, "\1\132" },
		{ RECORD_DATA, "second" },	 { RECORD_HANDSHAKE, "ticket" },
		{ RECORD_HANDSHAKE, "another" }, { 99, "unknown" },
		{ RECORD_DATA, "third" },	 { RECORD_CCS, "\1" },
		{ RECORD_ALERT, "\1" },
	};
	char buf[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		send_all(from, rows[i].type, rows[i].bytes, strlen(rows[i].bytes));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct channel_event e = recv_event(to, buf, sizeof(buf));

		assert_int_equal(e.type, rows[i].type);
		assert_int_equal(e.result, e.type == RECORD_DATA ? CHANNEL_DATA : CHANNEL_CONTROL);
		assert_int_equal(e.len, strlen(rows[i].bytes));
		assert_memory_equal(buf, rows[i].bytes, e.len);
	}
	assert_true(is_idle(to));
}

static void control(void **state)
{
	(void)state;
	control_between_data(&p.subject, &p.peer);
	control_between_data(&p.peer, &p.subject);
}

/* A record longer than the buffer comes in pieces of its own type. */
static void pieces(void **state)
{
	uint8_t ticket[300], text[300];

	(void)state;
	vector_fill(ticket, sizeof(ticket));
	memset(text, 't', sizeof(text));
	send_all(&p.peer, RECORD_DATA, text, sizeof(text));
	send_all(&p.peer, RECORD_HANDSHAKE, ticket, sizeof(ticket));
	send_all(&p.peer, RECORD_DATA, text, sizeof(text));
	for (size_t at = 0; at < sizeof(text); at += 100)
		expect_bytes(&p.subject, RECORD_DATA, text + at, 100);
	for (size_t at = 0; at < sizeof(ticket); at += 100)
		expect_bytes(&p.subject, RECORD_HANDSHAKE, ticket + at, 100);
	expect_bytes(&p.subject, RECORD_DATA, text, sizeof(text));
	assert_true(is_idle(&p.subject));
}

/* Empty data records are no end; an empty record of another type is told. */
static void empty_records(void **state)
{
	char buf[8];
	struct channel_event e;

	(void)state;
	pair_seal(&p, RECORD_DATA, NULL, 0);
	pair_seal(&p, RECORD_DATA, NULL, 0);
	pair_seal(&p, RECORD_DATA, "data", 4);
	pair_seal(&p, 99, NULL, 0);
	pair_seal(&p, RECORD_DATA, NULL, 0);
	pair_write(&p, 0, p.wire_len);
	do
		e = recv_event(&p.subject, buf, sizeof(buf));
	while (e.result == CHANNEL_DATA && !e.len);
	assert_int_equal(e.result, CHANNEL_DATA);
	assert_int_equal(e.len, 4);
	e = recv_event(&p.subject, buf, sizeof(buf));
	assert_int_equal(e.result, CHANNEL_CONTROL);
	assert_int_equal(e.type, 99);
	assert_int_equal(e.len, 0);
	while ((e = channel_recv(&p.subject, buf, sizeof(buf))).result == CHANNEL_DATA)
		assert_int_equal(e.len, 0);
	assert_int_equal(e.result, CHANNEL_AGAIN);
}

/* A few at a time are fine as long as data comes between; then one too many. */
static void empty_records_in_a_row(void **state)
{
	char buf[8];
	struct channel_event e;

	(void)state;
	for (int i = 0; i < 3; i++) {
		for (int n = 0; n < CHANNEL_EMPTY_MAX; n++)
			pair_seal(&p, RECORD_DATA, NULL, 0);
		pair_seal(&p, RECORD_DATA, "data", 4);
	}
	pair_write(&p, 0, p.wire_len);
	for (size_t got = 0; got < 12; got += e.len) {
		e = recv_event(&p.subject, buf, sizeof(buf));
		assert_int_equal(e.result, CHANNEL_DATA);
	}
	if (p.subject.side[RX].mode == MODE_KERNEL)
		return; /* recvmsg() takes any number of them in one call: test_channel_splice */
	for (int n = 0; n <= CHANNEL_EMPTY_MAX; n++) {
		size_t at = p.wire_len;

		pair_seal(&p, RECORD_DATA, NULL, 0);
		pair_write(&p, at, p.wire_len);
		e = recv_event(&p.subject, buf, sizeof(buf));
		assert_int_equal(e.result, n < CHANNEL_EMPTY_MAX ? CHANNEL_DATA : CHANNEL_ERROR);
	}
	assert_int_equal(e.reason, REASON_RECORD_FLOOD);
}

static void arrives_byte_by_byte(void **state)
{
	size_t first;

	(void)state;
	first = pair_seal(&p, RECORD_DATA, "one", 3);
	pair_seal(&p, RECORD_HANDSHAKE, "two", 3);
	for (size_t i = 0; i < p.wire_len; i++) {
		assert_true(is_idle(&p.subject));
		pair_write(&p, i, i + 1);
		if (i + 1 == first)
			expect_bytes(&p.subject, RECORD_DATA, "one", 3);
	}
	expect_bytes(&p.subject, RECORD_HANDSHAKE, "two", 3);
}

static void expect_end(enum channel_result result)
{
	char buf[8];

	for (int again = 0; again < 2; again++) {
		struct channel_event e;

		do
			e = recv_event(&p.subject, buf, sizeof(buf));
		while (e.result == CHANNEL_DATA && !e.len);
		assert_int_equal(e.result, result);
		if (result == CHANNEL_ERROR)
			assert_int_equal(e.reason, REASON_TRUNCATED_RECORD);
	}
}

/* Half-close: what was sent arrives, then the end; the other direction goes on. */
static void end_at_boundary(void **state)
{
	(void)state;
	send_all(&p.peer, RECORD_DATA, "last", 4);
	pair_seal(&p, RECORD_DATA, NULL, 0);
	pair_write(&p, 0, p.wire_len);
	assert_int_equal(shutdown(p.peer.fd, SHUT_WR), 0);
	expect_bytes(&p.subject, RECORD_DATA, "last", 4);
	expect_end(CHANNEL_EOF);
	transfer(&p.subject, &p.peer, 20000);
	send_all(&p.subject, RECORD_ALERT, "\1", 2);
	expect_bytes(&p.peer, RECORD_ALERT, "\1", 2);
}

static void end_inside(size_t part)
{
	send_all(&p.peer, RECORD_DATA, "last", 4);
	pair_seal(&p, RECORD_DATA, "cut off", 7);
	pair_write(&p, 0, part);
	assert_int_equal(shutdown(p.peer.fd, SHUT_WR), 0);
	expect_bytes(&p.subject, RECORD_DATA, "last", 4);
	expect_end(CHANNEL_ERROR);
	send_all(&p.subject, RECORD_ALERT, "\1", 2);
	expect_bytes(&p.peer, RECORD_ALERT, "\1", 2);
}

static void end_inside_header(void **state)
{
	(void)state;
	end_inside(1);
}

static void end_inside_record(void **state)
{
	(void)state;
	end_inside(RECORD_HEADER_LEN + 3);
}

static void reset(void **state)
{
	struct linger linger = { .l_onoff = 1 };
	struct channel_event e;

	(void)state;
	assert_int_equal(setsockopt(p.peer.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	fd_close(&p.peer.fd);
	expect_error(&p.subject, REASON_PEER_RESET);
	/* The kernel takes records for nowhere once the error was told: once must be enough. */
	if (current.layer->in_kernel[TX])
		return;
	e = channel_send(&p.subject, RECORD_DATA, "x", 1);
	assert_int_equal(e.result, CHANNEL_ERROR);
	assert_int_equal(e.reason, REASON_PEER_RESET);
}

/* After every kind of bad record: the data before it was given, the alert reaches the peer. */
static void refused(enum reason reason)
{
	static const char before[] = "good";

	pair_write(&p, 0, p.wire_len);
	expect_bytes(&p.subject, RECORD_DATA, before, 4);
	expect_error(&p.subject, reason);
	send_all(&p.subject, RECORD_ALERT, "\2\24", 2);
	expect_bytes(&p.peer, RECORD_ALERT, "\2\24", 2);
}

static void bad_mac(void **state)
{
	(void)state;
	pair_seal(&p, RECORD_DATA, "good", 4);
	pair_seal(&p, RECORD_DATA, "bad", 3);
	p.wire[p.wire_len - 1] ^= 1;
	refused(REASON_BAD_RECORD_MAC);
}

static void bad_mac_of_control(void **state)
{
	(void)state;
	pair_seal(&p, RECORD_DATA, "good", 4);
	pair_seal(&p, RECORD_ALERT, "\1", 2);
	p.wire[p.wire_len - 17] ^= 1;
	refused(REASON_BAD_RECORD_MAC);
}

static void bad_version(void **state)
{
	size_t first;

	(void)state;
	first = pair_seal(&p, RECORD_DATA, "good", 4);
	pair_seal(&p, RECORD_DATA, "bad", 3);
	p.wire[first + 2] = 4;
	refused(REASON_BAD_RECORD_HEADER);
}

static void oversize(void **state)
{
	size_t first;

	(void)state;
	first = pair_seal(&p, RECORD_DATA, "good", 4);
	pair_seal(&p, RECORD_DATA, "bad", 3);
	be16_put(p.wire + first + 3, 16384 + 257);
	refused(REASON_RECORD_OVERFLOW);
}

static void too_short(void **state)
{
	size_t first;

	(void)state;
	first = pair_seal(&p, RECORD_DATA, "good", 4);
	pair_seal(&p, RECORD_DATA, "bad", 3);
	be16_put(p.wire + first + 3, 7);
	refused(REASON_BAD_RECORD_MAC);
}

static void pending(void **state)
{
	(void)state;
	assert_false(channel_has_pending(&p.subject));
	pair_seal(&p, RECORD_DATA, "onetwo", 6);
	pair_seal(&p, RECORD_DATA, "three", 5);
	pair_write(&p, 0, p.wire_len);
	expect_bytes(&p.subject, RECORD_DATA, "one", 3);
	/* In the kernel the rest is the socket's, and poll() tells of it. */
	assert_int_equal(channel_has_pending(&p.subject), !rx_in_kernel());
	if (rx_in_kernel())
		wait_for(p.subject.fd, POLLIN);
	expect_bytes(&p.subject, RECORD_DATA, "two", 3);
	expect_bytes(&p.subject, RECORD_DATA, "three", 5);
	assert_false(channel_has_pending(&p.subject));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(data),
		TEST(control),
		TEST(pieces),
		TEST(empty_records),
		TEST(empty_records_in_a_row),
		TEST(arrives_byte_by_byte),
		TEST(end_at_boundary),
		TEST(end_inside_header),
		TEST(end_inside_record),
		TEST(reset),
		TEST(bad_mac),
		TEST(bad_mac_of_control),
		TEST(bad_version),
		TEST(oversize),
		TEST(too_short),
		TEST(pending),
	};
	static const uint16_t suites[] = { 0x1301, 0x1302, 0x1303, 0x1304,
					   0xc02f, 0xc030, 0xcca8, 0xc0ac };

	return run_layers(tests, ARRAY_SIZE(tests), suites, ARRAY_SIZE(suites), layers);
}
