/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers for wolfSSL: whole, or none. Compiled in here, as not every build links it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tls/random.c"

/* What the next calls give: bytes, or a negative errno; then all that is asked for. */
static const int *script;
static unsigned calls;

ssize_t __wrap_getrandom(void *buf, size_t len, unsigned flags);
ssize_t __wrap_getrandom(void *buf, size_t len, unsigned flags)
{
	int step = script && *script ? *script++ : (int)len;

	assert_int_equal(flags, 0); /* waits for a kernel that has just started */
	calls++;
	if (step < 0) {
		errno = -step;
		return -1;
	}
	assert_true((size_t)step <= len);
	memset(buf, 0x5a, (size_t)step);
	return step;
}

static bool is_filled(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != 0x5a)
			return false;
	return true;
}

static void test_pieces(void **state)
{
	const int pieces[] = { 256, -EINTR, 100, 0 };
	uint8_t out[513] = { 0 };

	(void)state;
	script = pieces, calls = 0;
	assert_int_equal(ktlsd_random(out, 512), 0);
	assert_int_equal(calls, 4);
	assert_true(is_filled(out, 512));
	assert_int_equal(out[512], 0);
}

static void test_failure(void **state)
{
	const int fails[] = { 16, -ENOSYS, 0 };
	uint8_t out[32];

	(void)state;
	script = fails;
	assert_int_equal(ktlsd_random(out, sizeof(out)), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
