/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a server process that does not want to end. The process is this very file again: it
 * is what /proc/self/exe names.
 */
#include "host/child.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"

enum { STOP_MS = 100 };

struct fixture {
	struct loop loop;
	struct watch signals;
	struct child child;
	int greeting; /* what greet() returns */
	unsigned n_ended, n_stopped;
};

/* What the kernel does not allow. */
static int refused_signal;

int __real_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal);

int __wrap_kill(pid_t pid, int signal)
{
	if (signal != refused_signal)
		return __real_kill(pid, signal);
	errno = EPERM;
	return -1;
}

/* Says that it is up, then lives until it is killed, whatever else it is told. */
static int stubborn(int fd)
{
	char byte = 0;

	signal(SIGTERM, SIG_IGN);
	if (send(fd, &byte, 1, 0) != 1)
		return EXIT_FAILURE;
	for (;;)
		pause();
}

static int greet(struct child *c)
{
	return container_of(c, struct fixture, child)->greeting;
}

static void ended(struct child *c)
{
	container_of(c, struct fixture, child)->n_ended++;
}

static void stopped(struct child *c)
{
	struct fixture *f = container_of(c, struct fixture, child);

	f->n_stopped++;
	loop_stop(&f->loop);
}

/* It is up: now it is told to end. */
static void channel_ready(struct watch *w, uint32_t events)
{
	struct fixture *f = container_of(w, struct fixture, child.channel);
	char byte;

	(void)events;
	if (recv(w->fd, &byte, 1, 0) == 1)
		child_stop(&f->child);
	else
		child_hang_up(&f->child);
}

static void signal_ready(struct watch *w, uint32_t events)
{
	struct signalfd_siginfo si;

	(void)events;
	assert_int_equal(read(w->fd, &si, sizeof(si)), sizeof(si));
	child_reap(&container_of(w, struct fixture, signals)->child);
}

static uint64_t next_deadline(struct loop *l)
{
	return child_next_deadline(&container_of(l, struct fixture, loop)->child);
}

static void after_batch(struct loop *l, uint64_t now)
{
	child_expire(&container_of(l, struct fixture, loop)->child, now);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	sigset_t mask;

	assert_non_null(f);
	assert_int_equal(loop_init(&f->loop), 0);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	f->signals.ready = signal_ready;
	assert_int_equal(loop_add(&f->loop, &f->signals,
				  signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC), EPOLLIN, true),
			 0);
	f->loop.next_deadline = next_deadline;
	f->loop.after_batch = after_batch;
	f->child = (struct child){ .loop = &f->loop,
				   .channel = { .fd = -1, .ready = channel_ready },
				   .greet = greet,
				   .ended = ended,
				   .stopped = stopped,
				   .stop_ms = STOP_MS };
	refused_signal = -1;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	int fd = loop_remove(&f->loop, &f->signals);

	fd_close(&fd);
	loop_fini(&f->loop);
	free(f);
	return 0;
}

static void test_killed_when_it_does_not_stop(void **state)
{
	struct fixture *f = *state;
	uint64_t begin = now_ns();

	assert_int_equal(child_start(&f->child), 0);
	loop_run(&f->loop);
	assert_true(now_ns() - begin >= STOP_MS * NS_PER_MS);
	assert_true(f->child.killed);
	assert_int_equal(f->child.pid, 0);
	assert_int_equal(f->n_stopped, 1);
	assert_int_equal(f->n_ended, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left */
}

static void test_given_up_when_it_cannot_be_killed(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	refused_signal = SIGKILL;
	assert_int_equal(child_start(&f->child), 0);
	pid = f->child.pid;
	loop_run(&f->loop);
	assert_int_equal(f->child.pid, 0);
	assert_int_equal(f->n_stopped, 1);
	assert_int_equal(__real_kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The kernel holds it: SIGKILL is sent and nothing happens. */
static void test_given_up_when_it_outlives_sigkill(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	assert_int_equal(child_start(&f->child), 0);
	pid = f->child.pid;
	f->child.killed = true;
	loop_run(&f->loop);
	assert_int_equal(f->child.pid, 0);
	assert_int_equal(f->n_stopped, 1);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); /* it lives */
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* One that could not be told anything is waited for like any other, and no second one started. */
static void test_stopped_after_a_start_that_failed(void **state)
{
	struct fixture *f = *state;

	f->greeting = -ENOMEM;
	assert_int_equal(child_start(&f->child), -ENOMEM);
	assert_true(f->child.pid > 0);
	assert_int_equal(f->child.channel.fd, -1);
	child_stop(&f->child);
	loop_run(&f->loop);
	assert_int_equal(f->child.pid, 0);
	assert_int_equal(f->n_stopped, 1);
}

static void test_nothing_to_stop(void **state)
{
	struct fixture *f = *state;

	child_stop(&f->child);
	assert_int_equal(f->n_stopped, 1);
	assert_int_equal(child_next_deadline(&f->child), UINT64_MAX);
	loop_run(&f->loop);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_killed_when_it_does_not_stop, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_given_up_when_it_cannot_be_killed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_given_up_when_it_outlives_sigkill, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_stopped_after_a_start_that_failed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_to_stop, set_up, tear_down),
	};

	if (argc == 3 && !strcmp(argv[1], "--server"))
		return stubborn(atoi(argv[2]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
