/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a server that somebody has taken over cannot do, and that it can work. Each test takes the
 * sandbox in a process of its own.
 */
/* Of a sanitizer's build too, which has no system calls restricted else: what runs here is little. */
#undef __SANITIZE_ADDRESS__
#undef __SANITIZE_THREAD__
#include "host/sandbox.c" /* NOLINT(bugprone-suspicious-include) */

#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* Runs it in the sandbox; it returns 0, or the number of what it found wrong. */
static void run_sandboxed(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		/* what root may do is no question of the filter */
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || sandbox_seccomp())
			_exit(100);
		_exit(body());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* It must not be possible; a process that was made nevertheless ends. */
static bool can_clone(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		_exit(0);
	return pid > 0;
}

static int make_namespaces(void)
{
	static const unsigned long flags[] = {
		CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
		CLONE_NEWIPC,  CLONE_NEWPID, CLONE_NEWNET,    CLONE_NEWUSER | CLONE_NEWNET,
	};
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (can_clone(flags[i]) || errno != EPERM)
			return (int)i + 1;
		if (can_clone(flags[i] | 1UL << 40) || errno != EPERM)
			return (int)i + 20;
	}
	if (syscall(SYS_clone3, &args, sizeof(args)) >= 0 || errno != ENOSYS)
		return 40;
	if (!unshare(CLONE_NEWUSER) || !unshare(CLONE_NEWTIME) || errno != EPERM)
		return 41;
	return 0;
}

static int make_sockets(void)
{
	static const int refused[] = { AF_PACKET, AF_ALG, AF_VSOCK, AF_TIPC, AF_BLUETOOTH, AF_XDP };
	static const int needed[] = { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK };
	int pair[2];

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (socket(refused[i], SOCK_RAW, 0) >= 0 || errno != EPERM)
			return (int)i + 1;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		/* that it has no IPv6 is the machine's answer */
		if (socket(needed[i], SOCK_DGRAM, 0) < 0 && errno != EAFNOSUPPORT)
			return (int)i + 20;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return 30;
	return 0;
}

static int type_into_a_terminal(void)
{
	char byte = 'x';
	int queued, pair[2];

	if (!ioctl(STDIN_FILENO, TIOCSTI, &byte) || errno != EPERM)
		return 1;
	if (!ioctl(STDIN_FILENO, TIOCLINUX, &byte) || errno != EPERM)
		return 2;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || ioctl(pair[0], FIONREAD, &queued))
		return 3;
	return 0;
}

static void *in_thread(void *arg)
{
	*(bool *)arg = true;
	return NULL;
}

static int start_a_thread(void)
{
	pthread_t thread;
	bool ran = false;

	if (pthread_create(&thread, NULL, in_thread, &ran) || pthread_join(thread, NULL))
		return 1;
	return ran ? 0 : 2;
}

static void test_no_namespace(void **state)
{
	(void)state;
	run_sandboxed(make_namespaces);
}

static void test_families_of_sockets(void **state)
{
	(void)state;
	run_sandboxed(make_sockets);
}

static void test_no_input_for_others(void **state)
{
	(void)state;
	run_sandboxed(type_into_a_terminal);
}

static void test_threads(void **state)
{
	(void)state;
	run_sandboxed(start_a_thread);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_namespace),
		cmocka_unit_test(test_families_of_sockets),
		cmocka_unit_test(test_no_input_for_others),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
