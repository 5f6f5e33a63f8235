/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables that everything is generated from: whole, unique, and in words that users can use. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/counters.h"
#include "base/reason.h"
#include "base/state.h"
#include "base/suite.h"

static void test_reasons(void **state)
{
	(void)state;
	for (int r = 1; r < REASON_COUNT; r++) {
		const char *name = reason_name((enum reason)r);

		assert_int_equal(reason_find(name), r);
		for (const char *c = name; *c; c++)
			assert_true(islower((unsigned char)*c) || *c == '-' ||
				    isdigit((unsigned char)*c));
		assert_int_equal(
			reason_what((enum reason)r)[strlen(reason_what((enum reason)r)) - 1], '.');
		assert_true(strlen(reason_remedy((enum reason)r)) >= strlen("Nothing."));
	}
	assert_int_equal(reason_find("no-such-reason"), REASON_NONE);
	assert_string_equal(reason_class_name(reason_class(REASON_KTLS_NO_ULP)), "host");
}

/* A connection can always be closed, and nothing follows the end. */
static void test_states(void **state)
{
	(void)state;
	for (int s = 0; s < CONN_N_STATES; s++) {
		assert_int_equal(state_may_follow((enum conn_state)s, CONN_CLOSED),
				 s != CONN_CLOSED);
		assert_false(state_may_follow(CONN_CLOSED, (enum conn_state)s));
		assert_int_equal(state_deadline((enum conn_state)s) == DEADLINE_NONE,
				 s == CONN_CLOSED);
		for (int t = 0; t < s; t++)
			assert_string_not_equal(state_name((enum conn_state)s),
						state_name((enum conn_state)t));
	}
	assert_true(state_may_follow(CONN_CONNECT, CONN_OPEN));
	assert_false(state_may_follow(CONN_ACCEPTED, CONN_OPEN));
}

static void test_suites(void **state)
{
	const struct suite *s;

	(void)state;
	for (size_t i = 0; (s = suite_at(i)); i++) {
		assert_ptr_equal(suite_find(s->id), s);
		assert_true(s->version == TLS12 || s->version == TLS13);
		assert_true(s->key_len == 16 || s->key_len == 32);
		assert_true(s->hash_len == 32 || s->hash_len == 48);
		assert_string_equal(suite_cipher_name(s->kernel_cipher), s->cipher);
		assert_int_equal(suite_explicit_nonce_len(s),
				 s->version == TLS12 && s->aead != AEAD_CHACHA ? 8 : 0);
	}
	assert_null(suite_find(0xc0a0)); /* CCM_8: the kernel has no 8-byte tag */
}

static void test_counters(void **state)
{
	struct counters a = { 0 }, sum = { 0 };

	(void)state;
	for (int c = 0; c < COUNTER_COUNT; c++)
		for (int d = 0; d < c; d++)
			assert_string_not_equal(counter_name((enum counter)c),
						counter_name((enum counter)d));
	count_add(&a.value[COUNTER_TX_BYTES], 5);
	count_add(&a.end[REASON_CLOSED], 1);
	count_add(&a.fallback[RX][REASON_POLICY_OFF], 2);
	counters_sum(&sum, &a);
	counters_sum(&sum, &a);
	assert_int_equal(count_get(&sum.value[COUNTER_TX_BYTES]), 10);
	assert_int_equal(count_get(&sum.end[REASON_CLOSED]), 2);
	assert_int_equal(count_get(&sum.fallback[RX][REASON_POLICY_OFF]), 4);
	assert_int_equal(count_get(&sum.fallback[TX][REASON_POLICY_OFF]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_suites),
		cmocka_unit_test(test_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
