/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A look at a queue: what is not taken stays there for the next reader. */
#include "tls/window.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct ends {
	int near, far;
	struct window w;
};

static int setup(void **state)
{
	struct ends *e = calloc(1, sizeof(*e));
	int fds[2];

	if (!e || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds))
		return -1;
	e->near = fds[0];
	e->far = fds[1];
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct ends *e = *state;

	close(e->near);
	close(e->far);
	free(e);
	return 0;
}

static void test_rest_stays(void **state)
{
	struct ends *e = *state;
	char buf[16] = "";

	assert_int_equal(write(e->far, "headbodyrest", 12), 12);
	assert_int_equal(window_look(&e->w, e->near), 12);
	assert_int_equal(window_take(&e->w, buf, 4), 4);
	assert_memory_equal(buf, "head", 4);
	assert_int_equal(window_take(&e->w, buf, 4), 4);
	assert_memory_equal(buf, "body", 4);
	assert_int_equal(window_settle(&e->w, e->near), 0);
	assert_int_equal(window_take(&e->w, buf, 4), 0);
	assert_int_equal(read(e->near, buf, sizeof(buf)), 4);
	assert_memory_equal(buf, "rest", 4);
}

static void test_nothing_taken_nothing_gone(void **state)
{
	struct ends *e = *state;
	char buf[16];

	assert_int_equal(write(e->far, "hello", 5), 5);
	assert_int_equal(window_look(&e->w, e->near), 5);
	assert_int_equal(window_settle(&e->w, e->near), 0);
	assert_int_equal(window_look(&e->w, e->near), 5);
	assert_int_equal(window_take(&e->w, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "hello", 5);
}

static void test_more_than_it_holds(void **state)
{
	struct ends *e = *state;
	uint8_t sent[WINDOW_LEN + 10], got[WINDOW_LEN + 10];

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 7);
	assert_int_equal(write(e->far, sent, sizeof(sent)), sizeof(sent));
	assert_int_equal(window_look(&e->w, e->near), WINDOW_LEN);
	assert_int_equal(window_take(&e->w, got, sizeof(got)), WINDOW_LEN);
	assert_int_equal(window_settle(&e->w, e->near), 0);
	assert_int_equal(window_look(&e->w, e->near), 10);
	assert_int_equal(window_take(&e->w, got + WINDOW_LEN, 10), 10);
	assert_memory_equal(got, sent, sizeof(sent));
}

static void test_nothing_there_and_the_end(void **state)
{
	struct ends *e = *state;
	char buf[1];

	assert_int_equal(window_look(&e->w, e->near), -EAGAIN);
	assert_int_equal(window_take(&e->w, buf, 1), 0);
	assert_int_equal(shutdown(e->far, SHUT_WR), 0);
	assert_int_equal(window_look(&e->w, e->near), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rest_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_taken_nothing_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_than_it_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_there_and_the_end, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
