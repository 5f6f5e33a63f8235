/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Key updates of TLS 1.3 (RFC 8446 4.6.3 and 7.2) in both directions over every layer; where the
 * kernel cannot replace keys, that a connection can still be ended decently.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "pair.h"
#include "tls/posthandshake.h"
#include "vectors/vectors.h"

static struct pair p;
static uint8_t update[KEY_UPDATE_LEN];

static int setup(void **state)
{
	(void)state;
	pair_open(&p, current.suite, current.layer);
	posthandshake_put_key_update(update);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pair_close(&p);
	return 0;
}

static bool can_rekey(enum direction d)
{
	return !current.layer->in_kernel[d] || kernel_can_rekey();
}

/* KeyUpdate from one to the other; both change their keys. */
static void update_keys(struct channel *from, struct channel *to)
{
	uint32_t epoch = from->side[TX].keys->epoch;

	send_all(from, RECORD_HANDSHAKE, update, sizeof(update));
	assert_int_equal(channel_rekey(from, TX), 0);
	expect_bytes(to, RECORD_HANDSHAKE, update, sizeof(update));
	assert_int_equal(channel_rekey(to, RX), 0);
	assert_int_equal(from->side[TX].keys->epoch, epoch + 1);
	assert_int_equal(to->side[RX].keys->epoch, epoch + 1);
	assert_memory_equal(from->side[TX].keys->secret, to->side[RX].keys->secret,
			    KEYS_SECRET_MAX);
}

static void talk(struct channel *from, struct channel *to)
{
	static uint8_t text[40000];

	vector_fill(text, sizeof(text));
	send_all(from, RECORD_DATA, text, sizeof(text));
	expect_bytes(to, RECORD_DATA, text, sizeof(text));
}

static void both_ways(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		if (can_rekey(TX))
			update_keys(&p.subject, &p.peer);
		talk(&p.subject, &p.peer);
		if (can_rekey(RX))
			update_keys(&p.peer, &p.subject);
		talk(&p.peer, &p.subject);
	}
}

/* Data, update, data, update, data are on their way before the first is read. */
static void pipelined(void **state)
{
	static const char *const texts[] = { "before", "between", "after" };
	char buf[16];

	(void)state;
	if (!can_rekey(RX))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		send_all(&p.peer, RECORD_DATA, texts[i], strlen(texts[i]));
		if (i == 2)
			break;
		send_all(&p.peer, RECORD_HANDSHAKE, update, sizeof(update));
		assert_int_equal(channel_rekey(&p.peer, TX), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		expect_bytes(&p.subject, RECORD_DATA, texts[i], strlen(texts[i]));
		if (i == 2)
			break;
		expect_bytes(&p.subject, RECORD_HANDSHAKE, update, sizeof(update));
		if (current.layer->in_kernel[RX])
			assert_int_equal(channel_recv(&p.subject, buf, sizeof(buf)).result,
					 CHANNEL_REKEY_WAIT);
		assert_int_equal(channel_rekey(&p.subject, RX), 0);
	}
	assert_true(is_idle(&p.subject));
}

/* The socket is full of records under the old keys when the new ones come. */
static void under_backpressure(void **state)
{
	static uint8_t text[RECORD_PLAIN_MAX], got[RECORD_PLAIN_MAX];
	size_t n_sent = 0, n_got = 0;
	bool updated = false;
	struct channel_event e;

	(void)state;
	if (!can_rekey(TX))
		return;
	vector_fill(text, sizeof(text));
	while ((e = channel_send(&p.subject, RECORD_DATA, text, sizeof(text))).result ==
	       CHANNEL_DATA)
		n_sent += e.len;
	assert_int_equal(e.result, CHANNEL_AGAIN);
	while (n_got < n_sent || !p.peer.side[RX].keys->epoch) {
		if (!updated &&
		    channel_send(&p.subject, RECORD_HANDSHAKE, update, sizeof(update)).result ==
			    CHANNEL_CONTROL) {
			assert_int_equal(channel_rekey(&p.subject, TX), 0);
			updated = true;
		}
		channel_flush(&p.subject);
		e = recv_event(&p.peer, got, sizeof(got));
		if (e.result == CHANNEL_CONTROL) {
			assert_int_equal(n_got, n_sent);
			assert_int_equal(channel_rekey(&p.peer, RX), 0);
			continue;
		}
		assert_int_equal(e.result, CHANNEL_DATA);
		assert_memory_equal(got, text + n_got % sizeof(text), e.len);
		n_got += e.len;
	}
	talk(&p.subject, &p.peer);
}

static void by_splice(void **state)
{
	int pipe_fd[2];
	char buf[16];

	(void)state;
	if (!current.layer->in_kernel[RX] || !can_rekey(RX))
		return;
	assert_int_equal(pipe2(pipe_fd, O_NONBLOCK | O_CLOEXEC), 0);
	send_all(&p.peer, RECORD_HANDSHAKE, update, sizeof(update));
	assert_int_equal(channel_rekey(&p.peer, TX), 0);
	send_all(&p.peer, RECORD_DATA, "after", 5);
	wait_for(p.subject.fd, POLLIN);
	assert_int_equal(channel_splice_in(&p.subject, pipe_fd[1], 100).result, CHANNEL_CONTROL);
	expect_bytes(&p.subject, RECORD_HANDSHAKE, update, sizeof(update));
	assert_int_equal(channel_splice_in(&p.subject, pipe_fd[1], 100).result, CHANNEL_REKEY_WAIT);
	assert_int_equal(channel_rekey(&p.subject, RX), 0);
	wait_for(p.subject.fd, POLLIN);
	assert_int_equal(channel_splice_in(&p.subject, pipe_fd[1], 100).len, 5);
	assert_int_equal(read(pipe_fd[0], buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "after", 5);
	fd_close(&pipe_fd[0]);
	fd_close(&pipe_fd[1]);
}

/*
 * The kernel refuses new receive keys: what the peer sent before still came, what it sent after
 * cannot be read, and what we have to say reaches it, before and after the attempt to read.
 */
static void receiving_ends(void **state)
{
	char buf[16];
	struct channel_event e;

	(void)state;
	if (can_rekey(RX))
		return;
	send_all(&p.peer, RECORD_DATA, "before", 6);
	send_all(&p.peer, RECORD_HANDSHAKE, update, sizeof(update));
	assert_int_equal(channel_rekey(&p.peer, TX), 0);
	send_all(&p.peer, RECORD_DATA, "after", 5);
	expect_bytes(&p.subject, RECORD_DATA, "before", 6);
	expect_bytes(&p.subject, RECORD_HANDSHAKE, update, sizeof(update));
	assert_int_equal(channel_rekey(&p.subject, RX), -EBUSY);
	talk(&p.subject, &p.peer);
	e = recv_event(&p.subject, buf, sizeof(buf));
	assert_int_equal(e.result, CHANNEL_ERROR);
	assert_int_equal(e.reason, REASON_BAD_RECORD_MAC);
	talk(&p.subject, &p.peer);
	send_all(&p.subject, RECORD_ALERT, "\1", 2);
	expect_bytes(&p.peer, RECORD_ALERT, "\1", 2);
}

/* The kernel refuses new sending keys: the old ones still carry what is to be said at the end. */
static void sending_ends(void **state)
{
	(void)state;
	if (can_rekey(TX))
		return;
	assert_int_equal(channel_rekey(&p.subject, TX), -EBUSY);
	talk(&p.subject, &p.peer);
	send_all(&p.subject, RECORD_ALERT, "\1", 2);
	expect_bytes(&p.peer, RECORD_ALERT, "\1", 2);
}

/* A key is spent by its records, whoever counts them, and a new one is not. */
static void spent_by_records(void **state)
{
	enum { LIMIT = 20 };
	static const size_t lengths[] = { 1, 600, RECORD_PLAIN_MAX };
	static uint8_t text[RECORD_PLAIN_MAX];

	(void)state;
	vector_fill(text, sizeof(text));
	for (int i = 0; i < LIMIT; i++) {
		size_t len = lengths[(size_t)i % ARRAY_SIZE(lengths)];

		assert_false(channel_key_is_spent(&p.subject, LIMIT));
		send_all(&p.subject, RECORD_DATA, text, len);
		expect_bytes(&p.peer, RECORD_DATA, text, len);
	}
	assert_true(channel_key_is_spent(&p.subject, LIMIT));
	if (!can_rekey(TX))
		return;
	update_keys(&p.subject, &p.peer);
	assert_false(channel_key_is_spent(&p.subject, LIMIT));
	talk(&p.subject, &p.peer); /* three records */
	assert_true(channel_key_is_spent(&p.subject, 3));
	assert_false(channel_key_is_spent(&p.subject, 4));
}

/* What is in the pipe are no records yet: the kernel says how many it has made of it. */
static void spent_by_splice(void **state)
{
	static uint8_t text[4 * RECORD_PLAIN_MAX];
	int pipe_fd[2];

	(void)state;
	if (!current.layer->in_kernel[TX])
		return;
	vector_fill(text, sizeof(text));
	assert_int_equal(pipe2(pipe_fd, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(write(pipe_fd[1], text, sizeof(text)), sizeof(text));
	assert_int_equal(channel_splice_out(&p.subject, pipe_fd[0], sizeof(text)).len,
			 sizeof(text));
	expect_bytes(&p.peer, RECORD_DATA, text, sizeof(text));
	assert_false(channel_key_is_spent(&p.subject, 5));
	assert_true(channel_key_is_spent(&p.subject, 4));
	fd_close(&pipe_fd[0]);
	fd_close(&pipe_fd[1]);
}

static void not_in_tls12(void **state)
{
	struct pair old;

	(void)state;
	pair_open(&old, 0xc02f, current.layer);
	assert_int_equal(channel_rekey(&old.subject, TX), -EINVAL);
	assert_int_equal(channel_rekey(&old.subject, RX), -EINVAL);
	talk(&old.subject, &old.peer);
	talk(&old.peer, &old.subject);
	pair_close(&old);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(both_ways),	TEST(pipelined),       TEST(under_backpressure),
		TEST(by_splice),	TEST(receiving_ends),  TEST(sending_ends),
		TEST(spent_by_records), TEST(spent_by_splice), TEST(not_in_tls12),
	};
	static const uint16_t suites[] = { 0x1301, 0x1302, 0x1303, 0x1304 };

	return run_layers(tests, ARRAY_SIZE(tests), suites, ARRAY_SIZE(suites), layers);
}
