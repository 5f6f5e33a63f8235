/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages between monitor and server: descriptors arrive, nonsense does not, none leaks. */
#include "host/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int make_pair(void **state)
{
	static int fds[2];

	*state = fds;
	return ipc_pair(fds);
}

static int close_pair(void **state)
{
	int *fds = *state;

	close(fds[0]);
	close(fds[1]);
	return 0;
}

static void test_descriptors(void **state)
{
	int *pair = *state, sent[IPC_FDS_MAX], got[IPC_FDS_MAX];
	struct ipc_message m = { .type = IPC_LISTEN, .index = 3, .text = "hello" }, r;
	unsigned n;

	for (int i = 0; i < IPC_FDS_MAX; i++)
		sent[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(ipc_send(pair[0], &m, sent, IPC_FDS_MAX), 0);
	assert_int_equal(ipc_recv(pair[1], &r, got, &n), 0);
	assert_int_equal(n, IPC_FDS_MAX);
	assert_int_equal(r.index, 3);
	assert_string_equal(r.text, "hello");
	for (int i = 0; i < IPC_FDS_MAX; i++) {
		assert_int_equal(fcntl(got[i], F_GETFD), FD_CLOEXEC);
		close(got[i]);
		close(sent[i]);
	}
	assert_int_equal(ipc_send(pair[0], &m, sent, IPC_FDS_MAX + 1), -E2BIG);
}

static void refuse(int *pair, const void *bytes, size_t len)
{
	struct ipc_message r;
	int got[IPC_FDS_MAX];
	unsigned n = 1;

	assert_int_equal(send(pair[0], bytes, len, 0), (ssize_t)len);
	assert_int_equal(ipc_recv(pair[1], &r, got, &n), -EPROTO);
	assert_int_equal(n, 0);
}

static void test_nonsense(void **state)
{
	int *pair = *state;
	struct ipc_message m = { .type = IPC_OK };

	refuse(pair, &m, sizeof(m) - 1);
	refuse(pair, &m, 1);
	m.type = 0;
	refuse(pair, &m, sizeof(m));
	m.type = IPC_OBSERVE + 1;
	refuse(pair, &m, sizeof(m));
	m.type = IPC_FAILED;
	memset(m.text, 'x', sizeof(m.text)); /* text without an end */
	refuse(pair, &m, sizeof(m));
}

static void test_other_end_gone(void **state)
{
	int *pair = *state, got[IPC_FDS_MAX];
	struct ipc_message r;
	unsigned n;

	close(pair[0]);
	assert_int_equal(ipc_recv(pair[1], &r, got, &n), -ENOTCONN);
	pair[0] = dup(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_descriptors, make_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_nonsense, make_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_other_end_gone, make_pair, close_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
