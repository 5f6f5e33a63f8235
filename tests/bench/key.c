/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Presses keys in a program on a terminal of its own, and tells how long each takes to be drawn.
 *
 *	key KEYS COMMAND...
 *
 * Waits until the program has drawn and is quiet, then presses one of KEYS after the other, the next when it
 * is quiet again. Prints
 *	drawn=N median_us=N max_us=N
 * of the time to the last byte of what each made it draw; those that changed nothing on the screen are
 * left out. A program that ends by itself is an error, told with its end and with what it said last.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { QUIET_MS = 150, START_MS = 60000, PATIENCE_MS = 3000, MAX_KEYS = 64, LAST_BYTES = 400 };

static int terminal;
static pid_t program;
static char last_words[LAST_BYTES + 1];

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void remember(const char *bytes, size_t n)
{
	size_t have = strlen(last_words), keep;

	if (n > LAST_BYTES) {
		bytes += n - LAST_BYTES;
		n = LAST_BYTES;
	}
	keep = have + n > LAST_BYTES ? LAST_BYTES - n : have;
	memmove(last_words, last_words + have - keep, keep);
	memcpy(last_words + keep, bytes, n);
	for (size_t i = keep; i < keep + n; i++)
		if (last_words[i] < ' ' || last_words[i] > '~')
			last_words[i] = ' ';
	last_words[keep + n] = '\0';
}

static void program_ended(int error)
{
	int status = 0;

	waitpid(program, &status, 0);
	errx(1, "the program ended (%s) with %s %d; it said last: %s", strerror(error),
	     WIFSIGNALED(status) ? "signal" : "exit code",
	     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), last_words);
}

/* Reads what is drawn until it is quiet; when the last byte came, 0: none did. */
static uint64_t drawn(int patience_ms)
{
	struct pollfd fd = { .fd = terminal, .events = POLLIN };
	uint64_t last = 0;
	char bytes[65536];

	while (poll(&fd, 1, last ? QUIET_MS : patience_ms) > 0) {
		ssize_t n = read(terminal, bytes, sizeof(bytes));

		if (n <= 0)
			program_ended(n ? errno : 0);
		remember(bytes, (size_t)n);
		last = now_us();
	}
	return last;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	const struct winsize size = { .ws_row = 50, .ws_col = 200 };
	uint64_t times[MAX_KEYS];
	size_t n = 0;

	if (argc < 3 || !*argv[1] || strlen(argv[1]) > MAX_KEYS)
		errx(2, "usage: key KEYS COMMAND...");
	program = forkpty(&terminal, NULL, NULL, &size);
	if (program < 0)
		err(1, "forkpty");
	if (!program) {
		setenv("TERM", "xterm", 1);
		execvp(argv[2], argv + 2);
		err(127, "%s", argv[2]);
	}
	if (!drawn(START_MS))
		errx(1, "nothing is drawn within %d ms", START_MS);
	for (const char *key = argv[1]; *key; key++) {
		uint64_t pressed = now_us(), last;

		if (write(terminal, key, 1) != 1)
			err(1, "write");
		last = drawn(PATIENCE_MS);
		if (last)
			times[n++] = last - pressed;
	}
	kill(program, SIGTERM);
	waitpid(program, NULL, 0);
	if (!n)
		errx(1, "no key changes anything");
	qsort(times, n, sizeof(*times), compare);
	printf("drawn=%zu median_us=%llu max_us=%llu\n", n, (unsigned long long)times[n / 2],
	       (unsigned long long)times[n - 1]);
	return 0;
}
