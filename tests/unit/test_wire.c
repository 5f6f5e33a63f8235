/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record tracker: boundaries and explicit nonces, whatever the pieces the bytes come in. */
#include "tls/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A plain handshake record, ChangeCipherSpec, then two protected records with their nonces. */
static const uint8_t stream[] = {
	22, 3, 3, 0, 3,	 1, 2, 3,				/* handshake */
	20, 3, 3, 0, 1,	 1,					/* ChangeCipherSpec */
	22, 3, 3, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0xfe, 9, 9, 9, 9, /* Finished */
	22, 3, 3, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0xff, 7, 7,	/* ticket */
};

static void test_nonce_continues(void **state)
{
	(void)state;
	for (size_t piece = 1; piece <= sizeof(stream); piece++) {
		struct wire w = { 0 };
		uint64_t nonce = 0;

		for (size_t at = 0; at < sizeof(stream); at += piece)
			wire_track(&w, stream + at,
				   piece < sizeof(stream) - at ? piece : sizeof(stream) - at);
		assert_true(wire_is_at_boundary(&w));
		assert_int_equal(w.n_encrypted, 2);
		assert_true(wire_next_nonce(&w, 2, &nonce));
		assert_int_equal(nonce, 0x100);
	}
}

static void test_boundary(void **state)
{
	(void)state;
	for (size_t len = 0; len <= sizeof(stream); len++) {
		struct wire w = { 0 };
		bool expected = len == 0 || len == 8 || len == 14 || len == 31 ||
				len == sizeof(stream);

		wire_track(&w, stream, len);
		assert_int_equal(wire_is_at_boundary(&w), expected);
	}
}

/* Any disagreement with the library's count means that a nonce might repeat: refuse. */
static void test_refuses_what_it_does_not_know(void **state)
{
	struct wire w = { 0 };
	uint64_t nonce;

	(void)state;
	assert_false(wire_next_nonce(&w, 0, &nonce));
	wire_track(&w, stream, sizeof(stream));
	assert_false(wire_next_nonce(&w, 1, &nonce));
	assert_false(wire_next_nonce(&w, 3, &nonce));
	wire_track(&w, stream, 3); /* inside a header */
	assert_false(wire_next_nonce(&w, 2, &nonce));
}

/* A protected record too short for a nonce. */
static void test_short_record(void **state)
{
	static const uint8_t bytes[] = { 20, 3, 3, 0, 1, 1, 22, 3, 3, 0, 2, 1, 2 };
	struct wire w = { 0 };
	uint64_t nonce;

	(void)state;
	wire_track(&w, bytes, sizeof(bytes));
	assert_false(wire_next_nonce(&w, 1, &nonce));
}

static void test_nonce_wraps(void **state)
{
	static const uint8_t bytes[] = { 20, 3,	   3,	 0,    1,    1,	   22,	 3,    3,   0,
					 8,  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct wire w = { 0 };
	uint64_t nonce = 1;

	(void)state;
	wire_track(&w, bytes, sizeof(bytes));
	assert_true(wire_next_nonce(&w, 1, &nonce));
	assert_int_equal(nonce, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nonce_continues),
		cmocka_unit_test(test_boundary),
		cmocka_unit_test(test_refuses_what_it_does_not_know),
		cmocka_unit_test(test_short_record),
		cmocka_unit_test(test_nonce_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
