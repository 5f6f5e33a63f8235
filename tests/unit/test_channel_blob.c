/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel's state goes into bytes and back at every moment of its life, and nothing is lost or
 * repeated; bytes that are no such state are refused and leave nothing behind.
 */
#include <errno.h>
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
#include "vectors/vectors.h"

static struct pair p;
static uint8_t blob[CHANNEL_EXPORT_MAX];
static bool fail_pool;

struct pool_buffer *__real_pool_get(struct pool *pool);
struct pool_buffer *__wrap_pool_get(struct pool *pool);

struct pool_buffer *__wrap_pool_get(struct pool *pool)
{
	return fail_pool ? NULL : __real_pool_get(pool);
}

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

/* Replaces a channel by what its own bytes say; the socket stays. */
static void hand_over(struct channel *ch)
{
	static uint8_t again[CHANNEL_EXPORT_MAX];
	struct channel successor;
	ssize_t n = channel_export(ch, blob, sizeof(blob));

	assert_true(n > 0);
	assert_int_equal(channel_import(&successor, ch->fd, ch->pool, blob, (size_t)n), 0);
	assert_int_equal(channel_export(&successor, again, sizeof(again)), n);
	assert_memory_equal(again, blob, (size_t)n);
	channel_fini(ch);
	*ch = successor;
}

static void talk(void)
{
	uint8_t text[20000];

	vector_fill(text, sizeof(text));
	send_all(&p.subject, RECORD_DATA, text, sizeof(text));
	expect_bytes(&p.peer, RECORD_DATA, text, sizeof(text));
	send_all(&p.peer, RECORD_DATA, text, sizeof(text));
	expect_bytes(&p.subject, RECORD_DATA, text, sizeof(text));
	send_all(&p.subject, RECORD_ALERT, "\1", 2);
	expect_bytes(&p.peer, RECORD_ALERT, "\1", 2);
}

/* Again and again, both ends, before and between all kinds of traffic. */
static void at_rest(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		hand_over(&p.subject);
		if (i % 2)
			hand_over(&p.peer);
		talk();
	}
}

/* After every byte of two records that arrive: some still sealed, some opened and not taken. */
static void while_receiving(void **state)
{
	static const char text[] = "onetwo";
	size_t n_got = 0;
	char got[16];

	(void)state;
	pair_seal(&p, RECORD_DATA, "one", 3);
	pair_seal(&p, RECORD_DATA, "two", 3);
	for (size_t i = 0; i < p.wire_len; i++) {
		struct channel_event e;

		pair_write(&p, i, i + 1);
		e = channel_recv(&p.subject, got + n_got, 1);
		assert_in_range(e.result, CHANNEL_DATA, CHANNEL_AGAIN);
		n_got += e.len;
		hand_over(&p.subject);
	}
	while (n_got < strlen(text)) {
		n_got += recv_event(&p.subject, got + n_got, 1).len;
		hand_over(&p.subject);
	}
	assert_memory_equal(got, text, strlen(text));
	talk();
}

/* Three records in one read, of which the first is half taken. */
static void with_buffered_records(void **state)
{
	(void)state;
	pair_seal(&p, RECORD_DATA, "first", 5);
	pair_seal(&p, RECORD_HANDSHAKE, "second", 6);
	pair_seal(&p, RECORD_DATA, "third", 5);
	pair_write(&p, 0, p.wire_len);
	expect_bytes(&p.subject, RECORD_DATA, "fi", 2);
	hand_over(&p.subject);
	assert_int_equal(channel_has_pending(&p.subject), !current.layer->in_kernel[RX]);
	expect_bytes(&p.subject, RECORD_DATA, "rst", 3);
	expect_bytes(&p.subject, RECORD_HANDSHAKE, "sec", 3);
	hand_over(&p.subject);
	expect_bytes(&p.subject, RECORD_HANDSHAKE, "ond", 3);
	hand_over(&p.subject);
	expect_bytes(&p.subject, RECORD_DATA, "third", 5);
	talk();
}

/* The socket is full and holds a part of a record. */
static void while_sending(void **state)
{
	static uint8_t text[RECORD_PLAIN_MAX], got[RECORD_PLAIN_MAX];
	size_t n_sent = 0, n_got = 0;
	struct channel_event e;

	(void)state;
	vector_fill(text, sizeof(text));
	while ((e = channel_send(&p.subject, RECORD_DATA, text, sizeof(text))).result ==
	       CHANNEL_DATA) {
		n_sent += e.len;
		assert_int_equal(e.len, sizeof(text));
	}
	assert_int_equal(e.result, CHANNEL_AGAIN);
	assert_int_equal(channel_has_unsent(&p.subject), !current.layer->in_kernel[TX]);
	while (n_got < n_sent) {
		e = channel_recv(&p.peer, got, sizeof(got));
		assert_in_range(e.result, CHANNEL_DATA, CHANNEL_AGAIN);
		assert_memory_equal(got, text + n_got % sizeof(text), e.len);
		n_got += e.len;
		if (e.result == CHANNEL_AGAIN) {
			hand_over(&p.subject);
			if (channel_flush(&p.subject).result == CHANNEL_AGAIN || n_got < n_sent)
				wait_for(p.peer.fd, POLLIN);
		}
	}
	assert_int_equal(n_got, n_sent);
	channel_flush(&p.subject);
	talk();
}

/* After a key update, of the epoch that counts. */
static void after_update(void **state)
{
	(void)state;
	if (p.subject.side[TX].keys->suite->version != TLS13)
		return;
	for (int i = 0; i < 3; i++) {
		if (!current.layer->in_kernel[TX]) {
			assert_int_equal(channel_rekey(&p.subject, TX), 0);
			assert_int_equal(channel_rekey(&p.peer, RX), 0);
		}
		if (!current.layer->in_kernel[RX]) {
			assert_int_equal(channel_rekey(&p.subject, RX), 0);
			assert_int_equal(channel_rekey(&p.peer, TX), 0);
		}
		hand_over(&p.subject);
		talk();
	}
}

/* What the kernel holds is not in the bytes. */
static void kernel_keys_are_not_exported(void **state)
{
	struct keys *k = vector_keys(current.suite);
	ssize_t n = channel_export(&p.subject, blob, sizeof(blob));
	bool found;

	(void)state;
	assert_true(n > 0);
	found = memmem(blob, (size_t)n, k->key,
		       k->suite->key_len); /* TX keys are the vector's own */
	assert_int_equal(found, !current.layer->in_kernel[TX]);
	keys_free(k);
}

static void cut_off(void **state)
{
	ssize_t n;
	struct channel ch;

	(void)state;
	pair_seal(&p, RECORD_DATA, "onetwo", 6);
	pair_seal(&p, RECORD_DATA, "three", 5);
	pair_write(&p, 0, p.wire_len);
	expect_bytes(&p.subject, RECORD_DATA, "one", 3);
	n = channel_export(&p.subject, blob, sizeof(blob));
	assert_true(n > 0);
	for (size_t len = 0; len < (size_t)n; len++) {
		static uint8_t small[CHANNEL_EXPORT_MAX];

		assert_int_equal(channel_export(&p.subject, small, len), -ENOSPC);
		assert_int_equal(channel_import(&ch, -1, &p.pool, blob, len), -EINVAL);
	}
	assert_int_equal(channel_import(&ch, -1, &p.pool, blob, (size_t)n + 1), -EINVAL);
}

/* Places in the bytes: 4 of magic, then for each side mode, suite, ... of 8 bytes each. */
static void unsound(void **state)
{
	enum { SIDE_LEN = 5 * 8 + KEYS_SECRET_MAX + KEYS_KEY_MAX + KEYS_IV_LEN };
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
		{ 0, 'x' }, /* magic */
		{ 3, 0 },   /* version of the form */
		{ 4 + 7, MODE_NONE },
		{ 4 + 7, MODE_KERNEL + 1 },
		{ 4, 1 },	     /* a mode beyond any */
		{ 4 + 8 + 7, 0x77 }, /* no such suite */
		{ 4 + 16, 1 },	     /* an epoch of more than 32 bits */
		{ 4 + SIDE_LEN + 7, MODE_NONE },
		{ 4 + SIDE_LEN + 8 + 7, 0x77 },
		{ 4 + 2 * SIDE_LEN + 5, 1 },	 /* unsent bytes: more than there are */
		{ 4 + 2 * SIDE_LEN + 8 + 6, 1 }, /* type of more than 8 bits */
	};
	ssize_t n = channel_export(&p.subject, blob, sizeof(blob));
	struct channel ch;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t was = blob[rows[i].at];

		blob[rows[i].at] = rows[i].value;
		assert_int_equal(channel_import(&ch, -1, &p.pool, blob, (size_t)n), -EINVAL);
		assert_int_equal(ch.fd, -1);
		channel_fini(&ch); /* what is left of it can be ended */
		blob[rows[i].at] = was;
	}
	assert_int_equal(channel_import(&ch, -1, &p.pool, blob, (size_t)n), 0);
	channel_fini(&ch);
}

static void without_memory(void **state)
{
	struct channel ch;
	ssize_t n;

	(void)state;
	pair_seal(&p, RECORD_DATA, "onetwo", 6);
	pair_write(&p, 0, p.wire_len);
	expect_bytes(&p.subject, RECORD_DATA, "one", 3);
	n = channel_export(&p.subject, blob, sizeof(blob));
	fail_pool = true;
	assert_int_equal(channel_import(&ch, -1, &p.pool, blob, (size_t)n),
			 current.layer->in_kernel[RX] ? 0 : -ENOMEM);
	fail_pool = false;
	channel_fini(&ch);
	expect_bytes(&p.subject, RECORD_DATA, "two", 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(at_rest),	     TEST(while_receiving), TEST(with_buffered_records),
		TEST(while_sending), TEST(after_update),    TEST(kernel_keys_are_not_exported),
		TEST(cut_off),	     TEST(unsound),	    TEST(without_memory),
	};
	static const uint16_t suites[] = { 0x1301, 0x1303, 0xc02f };

	return run_layers(tests, ARRAY_SIZE(tests), suites, ARRAY_SIZE(suites), layers);
}
