/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the limit of descriptors leaves for pipes, and for those who use them. */
#include "host/descriptors.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned pipes(unsigned limit, unsigned workers, unsigned wanted)
{
	return descriptors_pipes(&(struct descriptors){ .limit = limit, .open = 20 }, workers, 2,
				 wanted);
}

static void test_enough(void **state)
{
	(void)state;
	assert_int_equal(pipes(1048576, 8, 1024), 1024);
	assert_int_equal(pipes(UINT_MAX, 8, 65536), 65536);
	assert_int_equal(pipes(1048576, 8, 0), 0);
}

/* 20 are open, 64 are the main thread's, each worker has 3 and a new socket of both listeners. */
static void test_half_of_what_is_left(void **state)
{
	(void)state;
	assert_int_equal(pipes(1024, 2, 1024), (1024 - 20 - 64 - 10) / 4);
	assert_int_equal(pipes(2048, 2, 1024), (2048 - 20 - 64 - 10) / 4);
	assert_int_equal(pipes(1024, 2, 100), 100);
	assert_int_equal(pipes(94 + 4, 2, 1024), 1);
}

static void test_none_left(void **state)
{
	(void)state;
	assert_int_equal(pipes(94, 2, 1024), 0);
	assert_int_equal(pipes(64, 2, 1024), 0);
	assert_int_equal(pipes(1024, 1024, 1024), 0);
	assert_int_equal(pipes(1024, UINT_MAX, 1024), 0);
}

static void test_least(void **state)
{
	(void)state;
	assert_int_equal(descriptors_least(2, 3), 32 + 2 * (3 + 3));
	assert_int_equal(descriptors_least(UINT_MAX, UINT_MAX - 3), UINT_MAX);
}

static void test_open_ones_are_counted(void **state)
{
	struct descriptors before, after;
	int fds[2];

	(void)state;
	descriptors_read(&before);
	assert_int_equal(pipe(fds), 0);
	descriptors_read(&after);
	assert_int_equal(after.open, before.open + 2);
	assert_int_equal(after.limit, before.limit);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enough),
		cmocka_unit_test(test_half_of_what_is_left),
		cmocka_unit_test(test_none_left),
		cmocka_unit_test(test_least),
		cmocka_unit_test(test_open_ones_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
