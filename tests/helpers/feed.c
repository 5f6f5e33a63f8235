/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed [-t SECONDS] COMMAND [ARGUMENT]...
 *
 * Copies stdin into COMMAND and then keeps COMMAND's stdin open until it ends by itself: clients
 * such as gnutls-cli hang up when their stdin ends, before the answer is there. Exits as COMMAND
 * does; kills it and exits 124 when the time (60 s) is over.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long deadline_ms;
static pid_t child;

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for the child's end, or for one of the two others; true if the child has ended. */
static int wait_for(int pidfd, int fd, short events)
{
	struct pollfd p[2] = { { .fd = pidfd, .events = POLLIN }, { .fd = fd, .events = events } };
	long left = deadline_ms - now_ms();

	if (left <= 0 || poll(p, fd < 0 ? 1 : 2, (int)left) == 0) {
		warnx("the time is over, killing the command");
		kill(child, SIGKILL);
		exit(124);
	}
	return p[0].revents != 0;
}

/* True while there is somebody to write to. */
static int write_all(int pidfd, int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n;

		if (wait_for(pidfd, fd, POLLOUT))
			return 0;
		n = write(fd, p, len);
		if (n < 0 && errno != EINTR)
			return 0;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 1;
}

static void copy(int pidfd, int to)
{
	static char chunk[4096]; /* PIPE_BUF: POLLOUT promises that much */
	ssize_t n;

	for (;;) {
		if (wait_for(pidfd, STDIN_FILENO, POLLIN))
			return;
		n = read(STDIN_FILENO, chunk, sizeof(chunk));
		if (n <= 0 || !write_all(pidfd, to, chunk, (size_t)n))
			return;
	}
}

static int spawn(char **argv)
{
	int fds[2];

	if (pipe(fds))
		err(125, "pipe");
	child = fork();
	if (child < 0)
		err(125, "fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[0], STDIN_FILENO);
		close(fds[0]);
		close(fds[1]);
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	close(fds[0]);
	return fds[1];
}

int main(int argc, char **argv)
{
	long seconds = 60;
	int to, pidfd, status;

	if (argc > 2 && !strcmp(argv[1], "-t")) {
		seconds = strtol(argv[2], NULL, 10);
		argv += 2;
		argc -= 2;
	}
	if (argc < 2)
		errx(125, "usage: feed [-t SECONDS] COMMAND [ARGUMENT]...");
	deadline_ms = now_ms() + seconds * 1000;
	to = spawn(argv + 1);
	signal(SIGPIPE, SIG_IGN);
	pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	if (pidfd < 0)
		err(125, "pidfd_open");
	copy(pidfd, to);
	while (!wait_for(pidfd, -1, 0))
		;
	if (waitpid(child, &status, 0) < 0)
		err(125, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
