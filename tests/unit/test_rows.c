/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of one walk: each socket once, with its first holder, in the order of cookies. */
#include "bpf/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* More than one growth, and inodes that collide in the table. */
enum { MANY = 1000, STRIDE = 4096 };

static struct ktls_socket row(uint64_t cookie, uint64_t inode, uint32_t pid)
{
	return (struct ktls_socket){ .cookie = cookie, .inode = inode, .holder_pid = pid };
}

static void hold(struct rows *rows, uint64_t inode, uint32_t pid)
{
	struct ktls_holder holder = { .inode = inode, .pid = pid, .comm = "holder" };

	rows_hold(rows, &holder);
}

static void add(struct rows *rows, uint64_t cookie, uint64_t inode)
{
	struct ktls_socket s = row(cookie, inode, 0);

	assert_int_equal(rows_add(rows, &s), 0);
}

static void add_once(struct rows *rows, uint64_t cookie, uint64_t inode, uint32_t pid)
{
	struct ktls_socket s = row(cookie, inode, pid);

	assert_int_equal(rows_add_once(rows, &s), 0);
}

static void first_holder_stays(void **state)
{
	struct rows rows = { 0 };
	struct ktls_socket *s;
	size_t n;

	add(&rows, 5, 50);
	add(&rows, 9, 0); /* nobody has it open any more */
	add(&rows, 1, 10);
	add(&rows, 2, 0);
	hold(&rows, 10, 33);
	hold(&rows, 10, 77);
	hold(&rows, 50, 44);
	hold(&rows, 60, 55); /* newer than the walk over the sockets */
	hold(&rows, 0, 66);
	add_once(&rows, 8, 90, 11);
	add_once(&rows, 8, 90, 12);
	add_once(&rows, 7, 20, 13);
	s = rows_take(&rows, &n);
	assert_int_equal(n, 6);
	for (size_t i = 1; i < n; i++)
		assert_true(s[i - 1].cookie < s[i].cookie);
	assert_int_equal(s[0].holder_pid, 33);
	assert_string_equal(s[0].holder_comm, "holder");
	assert_int_equal(s[1].holder_pid, 0);
	assert_int_equal(s[2].holder_pid, 44);
	assert_int_equal(s[3].holder_pid, 13);
	assert_int_equal(s[4].holder_pid, 11);
	assert_int_equal(s[5].holder_pid, 0);
	assert_int_equal(rows.n, 0);
	free(s);
	(void)state;
}

static void none(void **state)
{
	struct rows rows = { 0 };
	size_t n = 1;

	hold(&rows, 10, 33);
	assert_null(rows_take(&rows, &n));
	assert_int_equal(n, 0);
	(void)state;
}

static void many(void **state)
{
	struct rows rows = { 0 };
	struct ktls_socket *s;
	size_t n;

	for (uint64_t i = 1; i <= MANY; i++)
		add(&rows, MANY + 1 - i, i * STRIDE);
	for (uint64_t i = 1; i <= MANY; i++)
		hold(&rows, i * STRIDE, (uint32_t)i);
	for (uint64_t i = 1; i <= MANY; i++)
		add_once(&rows, MANY + i, i * STRIDE + 1, 1);
	s = rows_take(&rows, &n);
	assert_int_equal(n, 2 * MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(s[i].cookie, i + 1);
		assert_int_equal(s[i].holder_pid, MANY - i);
	}
	free(s);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_holder_stays),
		cmocka_unit_test(none),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
