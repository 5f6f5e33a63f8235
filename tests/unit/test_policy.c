/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy table, row by row, against kernels of every kind. */
#include "serve/policy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tls/probe.h"

enum { GCM13 = 0x1301, GCM12 = 0xc02f };

/* A kernel that can do everything, with or without rekey. */
static struct probe kernel(bool has_rekey)
{
	struct probe p = { 0 };

	for (int v = 0; v < PROBE_N_VERSIONS; v++)
		for (int c = 0; c < PROBE_N_CIPHERS; c++)
			for (int d = 0; d < N_DIRECTIONS; d++) {
				p.cell[v][c][d].data.verdict = PROBE_YES;
				if (v)
					p.cell[v][c][d].rekey =
						has_rekey ?
							(struct probe_feature){ PROBE_YES, 0 } :
							(struct probe_feature){ PROBE_NO, EBUSY };
			}
	return p;
}

static void expect(enum policy_value v, enum direction d, uint16_t suite, const struct probe *p,
		   enum reason reason, int err, bool refuse)
{
	struct policy_verdict got = policy_decide(v, d, suite_find(suite), p, true);

	assert_int_equal(got.reason, reason);
	assert_int_equal(got.err, err);
	assert_int_equal(got.refuse, refuse);
}

static void test_off_never(void **state)
{
	struct probe p = kernel(true);

	(void)state;
	expect(POLICY_OFF, TX, GCM13, &p, REASON_POLICY_OFF, 0, false);
	expect(POLICY_OFF, RX, GCM12, &p, REASON_POLICY_OFF, 0, false);
}

static void test_with_rekey_all_in_kernel(void **state)
{
	struct probe p = kernel(true);

	(void)state;
	for (enum policy_value v = POLICY_AUTO; v <= POLICY_REQUIRE; v++)
		for (enum direction d = TX; d <= RX; d++) {
			expect(v, d, GCM13, &p, REASON_NONE, 0, false);
			expect(v, d, GCM12, &p, REASON_NONE, 0, false);
		}
}

/* Without rekey only TLS 1.3 receiving falls back, and 'on' takes the risk. */
static void test_without_rekey(void **state)
{
	struct probe p = kernel(false);

	(void)state;
	expect(POLICY_AUTO, TX, GCM13, &p, REASON_NONE, 0, false);
	expect(POLICY_AUTO, RX, GCM13, &p, REASON_KTLS_NO_REKEY, EBUSY, false);
	expect(POLICY_REQUIRE, RX, GCM13, &p, REASON_KTLS_NO_REKEY, EBUSY, true);
	expect(POLICY_ON, RX, GCM13, &p, REASON_NONE, 0, false);
	expect(POLICY_AUTO, RX, GCM12, &p, REASON_NONE, 0, false);
	expect(POLICY_REQUIRE, RX, GCM12, &p, REASON_NONE, 0, false);
}

/* A backend that reads what it receives: 'auto' leaves that to user space, others ask for it. */
static void test_backend_without_splice(void **state)
{
	struct probe p = kernel(true), old = kernel(false);
	const struct suite *s = suite_find(GCM13);

	(void)state;
	for (enum policy_value v = POLICY_AUTO; v <= POLICY_REQUIRE; v++) {
		assert_int_equal(policy_decide(v, TX, s, &p, false).reason, REASON_NONE);
		assert_int_equal(policy_decide(v, RX, s, &p, false).reason,
				 v == POLICY_AUTO ? REASON_BACKEND_NO_SPLICE : REASON_NONE);
		assert_false(policy_decide(v, RX, s, &p, false).refuse);
	}
	assert_int_equal(policy_decide(POLICY_OFF, RX, s, &p, false).reason, REASON_POLICY_OFF);
	assert_int_equal(policy_decide(POLICY_AUTO, RX, s, &old, false).reason,
			 REASON_BACKEND_NO_SPLICE);
	assert_true(policy_decide(POLICY_REQUIRE, RX, s, &old, false).refuse);
}

static void test_no_module(void **state)
{
	struct probe p = { .ulp_err = ENOENT };

	(void)state;
	expect(POLICY_OFF, TX, GCM13, &p, REASON_POLICY_OFF, 0, false);
	expect(POLICY_AUTO, TX, GCM13, &p, REASON_KTLS_NO_ULP, ENOENT, false);
	expect(POLICY_ON, RX, GCM12, &p, REASON_KTLS_NO_ULP, ENOENT, false);
	expect(POLICY_REQUIRE, TX, GCM13, &p, REASON_KTLS_NO_ULP, ENOENT, true);
	p.ulp_err = EPERM;
	expect(POLICY_AUTO, TX, GCM13, &p, REASON_KTLS_ULP_REFUSED, EPERM, false);
}

static void test_cipher_missing(void **state)
{
	struct probe p = kernel(true);

	(void)state;
	p.cell[1][0][TX].data = (struct probe_feature){ PROBE_NO, ENOENT };
	expect(POLICY_ON, TX, GCM13, &p, REASON_KTLS_CIPHER, ENOENT, false);
	expect(POLICY_REQUIRE, TX, GCM13, &p, REASON_KTLS_CIPHER, ENOENT, true);
	expect(POLICY_ON, RX, GCM13, &p, REASON_NONE, 0, false);
	expect(POLICY_ON, TX, GCM12, &p, REASON_NONE, 0, false);
}

static void test_names(void **state)
{
	(void)state;
	for (int v = 0; v < POLICY_N_VALUES; v++)
		assert_int_equal(policy_find(policy_name((enum policy_value)v)), v);
	assert_int_equal(policy_find("maybe"), -EINVAL);
	assert_int_equal(policy_find(""), -EINVAL);
}

/* probe_find() relies on it. */
static void test_every_suite_has_a_cell(void **state)
{
	struct probe p = { 0 };
	const struct suite *s;

	(void)state;
	for (size_t i = 0; (s = suite_at(i)); i++) {
		bool found = false;

		for (unsigned c = 0; c < PROBE_N_CIPHERS; c++)
			found |= probe_suite(s->version == TLS13, c)->kernel_cipher ==
				 s->kernel_cipher;
		assert_true(found);
		assert_non_null(probe_find(&p, s, TX));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off_never),
		cmocka_unit_test(test_with_rekey_all_in_kernel),
		cmocka_unit_test(test_without_rekey),
		cmocka_unit_test(test_backend_without_splice),
		cmocka_unit_test(test_no_module),
		cmocka_unit_test(test_cipher_missing),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_every_suite_has_a_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
