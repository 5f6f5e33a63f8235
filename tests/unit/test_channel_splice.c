/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Splicing between pipes and the kernel's record layer, with what comes between the data. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "pair.h"
#include "sha256.h"
#include "vectors/vectors.h"

enum { PIPE_LEN = 64 * 1024, DATA_MAX = 1024 * 1024 + 7 };

static struct pair p;
static int pipe_read, pipe_write;
static uint8_t sent[DATA_MAX], got[DATA_MAX];

static int setup(void **state)
{
	int fd[2];

	(void)state;
	pair_open(&p, current.suite, current.layer);
	assert_int_equal(pipe2(fd, O_NONBLOCK | O_CLOEXEC), 0);
	pipe_read = fd[0];
	pipe_write = fd[1];
	vector_fill(sent, sizeof(sent));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fd_close(&pipe_read);
	fd_close(&pipe_write);
	pair_close(&p);
	return 0;
}

/* channel_splice_in() of anything but AGAIN. */
static struct channel_event splice_event(void)
{
	struct channel_event e;

	while ((e = channel_splice_in(&p.subject, pipe_write, PIPE_LEN)).result == CHANNEL_AGAIN)
		wait_for(p.subject.fd, POLLIN);
	return e;
}

/* That many bytes by splice, to be equal to p. */
static void expect_spliced(const void *want, size_t len)
{
	size_t n = 0;

	while (n < len) {
		struct channel_event e = splice_event();

		assert_int_equal(e.result, CHANNEL_DATA);
		assert_int_equal(read(pipe_read, got + n, e.len), e.len);
		n += e.len;
	}
	assert_int_equal(n, len);
	assert_memory_equal(got, want, len);
}

/* What splice cannot carry; the caller receives it then. */
static void expect_refusal(void)
{
	struct channel_event e = splice_event();

	assert_int_equal(e.result, CHANNEL_CONTROL);
	assert_int_equal(e.len, 0);
}

static void assert_same_hash(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint8_t x[SHA256_LEN], y[SHA256_LEN];

	sha256_of(a, len, x);
	sha256_of(b, len, y);
	assert_memory_equal(x, y, SHA256_LEN);
}

/* The peer sends len bytes while the subject splices them into the pipe. */
static void splice_in(size_t len)
{
	size_t n_sent = 0, n_got = 0;

	while (n_got < len) {
		struct channel_event e = { .result = CHANNEL_DATA };

		if (n_sent < len)
			e = channel_send(&p.peer, RECORD_DATA, sent + n_sent, len - n_sent);
		else
			channel_flush(&p.peer);
		assert_in_range(e.result, CHANNEL_DATA, CHANNEL_AGAIN);
		n_sent += e.len;
		e = channel_splice_in(&p.subject, pipe_write, PIPE_LEN);
		if (e.result == CHANNEL_AGAIN)
			wait_for(p.subject.fd, POLLIN);
		else
			assert_int_equal(e.result, CHANNEL_DATA);
		if (e.len)
			assert_int_equal(read(pipe_read, got + n_got, e.len), e.len);
		n_got += e.len;
	}
	assert_int_equal(n_got, len);
	assert_same_hash(sent, got, len);
}

/* The subject splices len bytes out of the pipe while the peer receives. */
static void splice_out(size_t len)
{
	size_t n_in = 0, n_got = 0, in_pipe = 0;

	while (n_got < len) {
		struct channel_event e = { .result = CHANNEL_AGAIN };

		if (!in_pipe && n_in < len) {
			ssize_t n = write(pipe_write, sent + n_in, MIN_OF(len - n_in, PIPE_LEN));

			assert_true(n > 0);
			in_pipe = (size_t)n;
			n_in += in_pipe;
		}
		if (in_pipe)
			e = channel_splice_out(&p.subject, pipe_read, in_pipe);
		assert_in_range(e.result, CHANNEL_DATA, CHANNEL_AGAIN);
		if (e.result == CHANNEL_DATA)
			in_pipe -= e.len;
		e = channel_recv(&p.peer, got + n_got, sizeof(got) - n_got);
		assert_in_range(e.result, CHANNEL_DATA, CHANNEL_AGAIN);
		if (e.result == CHANNEL_AGAIN && !in_pipe && n_got < len)
			wait_for(p.peer.fd, POLLIN);
		n_got += e.len;
	}
	assert_int_equal(n_got, len);
	assert_same_hash(sent, got, len);
}

static void sizes(void **state)
{
	static const size_t lens[] = { 1, 16383, 16384, 16385, 65537, DATA_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		splice_in(lens[i]);
		splice_out(lens[i]);
	}
}

/* What is corked while one call moves many records leaves at its end, without more to follow. */
static void nothing_stays_corked(void **state)
{
	enum { LEN = 12 * RECORD_PLAIN_MAX };
	struct channel_event e;
	int corked = 1;
	socklen_t size = sizeof(corked);
	size_t n_got = 0;

	(void)state;
	assert_true(fcntl(pipe_write, F_SETPIPE_SZ, LEN) >= LEN);
	assert_int_equal(write(pipe_write, sent, LEN), LEN);
	e = channel_splice_out(&p.subject, pipe_read, LEN);
	assert_int_equal(e.result, CHANNEL_DATA);
	assert_int_equal(getsockopt(p.subject.fd, IPPROTO_TCP, TCP_CORK, &corked, &size), 0);
	assert_int_equal(corked, 0);
	while (n_got < e.len) {
		struct channel_event received = recv_event(&p.peer, got + n_got, LEN - n_got);

		assert_int_equal(received.result, CHANNEL_DATA);
		n_got += received.len;
	}
	assert_int_equal(n_got, e.len);
	assert_memory_equal(got, sent, n_got);
}

static void control_between(void **state)
{
	(void)state;
	send_all(&p.peer, RECORD_DATA, "before", 6);
	send_all(&p.peer, RECORD_HANDSHAKE, "update", 6);
	send_all(&p.peer, RECORD_ALERT, "\1\132", 2);
	send_all(&p.peer, RECORD_DATA, "after", 5);
	expect_spliced("before", 6);
	expect_refusal();
	expect_bytes(&p.subject, RECORD_HANDSHAKE, "update", 6);
	expect_refusal();
	expect_bytes(&p.subject, RECORD_ALERT, "\1\132", 2);
	expect_spliced("after", 5);
	assert_int_equal(channel_splice_in(&p.subject, pipe_write, PIPE_LEN).result, CHANNEL_AGAIN);
}

/* A control record half read by recvmsg, then splice again. */
static void control_in_pieces(void **state)
{
	(void)state;
	send_all(&p.peer, RECORD_HANDSHAKE, "abcdef", 6);
	send_all(&p.peer, RECORD_DATA, "after", 5);
	expect_refusal();
	expect_bytes(&p.subject, RECORD_HANDSHAKE, "abc", 3);
	expect_refusal();
	expect_bytes(&p.subject, RECORD_HANDSHAKE, "def", 3);
	expect_spliced("after", 5);
}

static void control_out(void **state)
{
	(void)state;
	assert_int_equal(write(pipe_write, "before", 6), 6);
	assert_int_equal(channel_splice_out(&p.subject, pipe_read, 6).len, 6);
	send_all(&p.subject, RECORD_HANDSHAKE, "ticket", 6);
	assert_int_equal(write(pipe_write, "after", 5), 5);
	assert_int_equal(channel_splice_out(&p.subject, pipe_read, 5).len, 5);
	send_all(&p.subject, RECORD_ALERT, "\1", 2);
	expect_bytes(&p.peer, RECORD_DATA, "before", 6);
	expect_bytes(&p.peer, RECORD_HANDSHAKE, "ticket", 6);
	expect_bytes(&p.peer, RECORD_DATA, "after", 5);
	expect_bytes(&p.peer, RECORD_ALERT, "\1", 2);
}

/* splice() gives 0 for them as for the end, which this is not. */
static void empty_records(void **state)
{
	size_t n = 0;

	(void)state;
	pair_seal(&p, RECORD_DATA, NULL, 0);
	pair_seal(&p, RECORD_DATA, NULL, 0);
	pair_seal(&p, RECORD_DATA, "data", 4);
	pair_write(&p, 0, p.wire_len);
	while (n < 4) {
		struct channel_event e = splice_event();

		if (e.result == CHANNEL_DATA)
			assert_int_equal(read(pipe_read, got + n, e.len), e.len);
		else
			e = channel_recv(&p.subject, got + n, 2);
		assert_in_range(e.result, CHANNEL_DATA, CHANNEL_AGAIN);
		assert_int_not_equal(e.result, CHANNEL_CONTROL);
		n += e.len;
	}
	assert_memory_equal(got, "data", 4);
}

/* As many as are allowed, each taken by one call, and one too many. */
static void empty_records_in_a_row(void **state)
{
	struct channel_event e;
	int n = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < CHANNEL_EMPTY_MAX; k++)
			pair_seal(&p, RECORD_DATA, NULL, 0);
		pair_seal(&p, RECORD_DATA, "data", 4);
	}
	for (int k = 0; k < 100; k++)
		pair_seal(&p, RECORD_DATA, NULL, 0);
	pair_write(&p, 0, p.wire_len);
	expect_spliced("data", 4);
	expect_spliced("data", 4);
	do {
		e = splice_event();
		n++;
	} while (e.result == CHANNEL_DATA && !e.len);
	assert_int_equal(e.result, CHANNEL_ERROR);
	assert_int_equal(e.reason, REASON_RECORD_FLOOD);
	assert_int_equal(n, CHANNEL_EMPTY_MAX + 1);
}

static void end(void **state)
{
	char c;

	(void)state;
	send_all(&p.peer, RECORD_DATA, "last", 4);
	assert_int_equal(shutdown(p.peer.fd, SHUT_WR), 0);
	expect_spliced("last", 4);
	expect_refusal();
	assert_int_equal(recv_event(&p.subject, &c, 1).result, CHANNEL_EOF);
}

static void partial_record(void **state)
{
	size_t n;

	(void)state;
	n = pair_seal(&p, RECORD_DATA, "data", 4);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(channel_splice_in(&p.subject, pipe_write, PIPE_LEN).result,
				 CHANNEL_AGAIN);
		pair_write(&p, i, i + 1);
	}
	expect_spliced("data", 4);
}

/* A bad record behind a good one, found by splice or by the receive after it. */
static void refused(enum reason reason)
{
	struct channel_event e;
	char buf[8];

	pair_write(&p, 0, p.wire_len);
	expect_spliced("good", 4);
	e = splice_event();
	if (e.result == CHANNEL_CONTROL)
		e = recv_event(&p.subject, buf, sizeof(buf));
	assert_int_equal(e.result, CHANNEL_ERROR);
	assert_string_equal(reason_name(e.reason), reason_name(reason));
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

static void bad_version(void **state)
{
	size_t first;

	(void)state;
	first = pair_seal(&p, RECORD_DATA, "good", 4);
	pair_seal(&p, RECORD_DATA, "bad", 3);
	p.wire[first + 1] = 2;
	refused(REASON_BAD_RECORD_HEADER);
}

static void oversize(void **state)
{
	size_t first;

	(void)state;
	first = pair_seal(&p, RECORD_DATA, "good", 4);
	pair_seal(&p, RECORD_DATA, "bad", 3);
	be16_put(p.wire + first + 3, 0xffff);
	refused(REASON_RECORD_OVERFLOW);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(sizes),
		TEST(nothing_stays_corked),
		TEST(control_between),
		TEST(control_in_pieces),
		TEST(control_out),
		TEST(empty_records),
		TEST(empty_records_in_a_row),
		TEST(end),
		TEST(partial_record),
		TEST(bad_mac),
		TEST(bad_version),
		TEST(oversize),
	};
	static const uint16_t suites[] = { 0x1301, 0x1303, 0x1304, 0xc02f, 0xcca8 };

	return run_layers(tests, ARRAY_SIZE(tests), suites, ARRAY_SIZE(suites),
			  layers + N_LAYERS - 1);
}
