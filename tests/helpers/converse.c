/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * converse [-t SECONDS] [-g] [N]... -- COMMAND [ARGUMENT]...
 *
 * Writes the requests of these lengths to COMMAND and prints the length and SHA-256 of all that
 * comes back. COMMAND's stdin stays open until it ends by itself: clients such as gnutls-cli hang
 * up when theirs ends, before the answer is there. With -g the requests are GETs alone, and of what
 * comes back only the bodies count: heads of HTTP have dates. One process instead of four, because
 * processes are dear in an emulated guest. Exits as COMMAND does; with 124 when the time (60 s)
 * is over.
 */
#include <err.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "requests.h"

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Forks a child that dies with us; what of it is not standard input or output is closed. */
static pid_t fork_child(int in, int out)
{
	pid_t pid = fork();

	if (pid < 0)
		err(125, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (in >= 0)
		dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	return 0;
}

static pid_t start_writer(int in, int out, bool only_get, char **lens, int n)
{
	pid_t pid = fork_child(-1, out);

	if (pid)
		return pid;
	close(in); /* or a client that reads no more would never be noticed */
	signal(SIGPIPE, SIG_IGN);
	(only_get ? requests_get : requests_put)(stdout, lens, n);
	for (;;)
		pause(); /* with the pipe open */
}

/* What came back. */
static struct {
	bool only_bodies;
	EVP_MD_CTX *digest;
	unsigned long long len;
	char head[4096]; /* the one that comes, if only_bodies */
	size_t head_len;
	unsigned long long left; /* bytes of the body that follows it */
} came;

static void take(const uint8_t *p, size_t n)
{
	EVP_DigestUpdate(came.digest, p, n);
	came.len += n;
}

static void end_head(void)
{
	const char *field;

	came.head[came.head_len] = '\0';
	came.head_len = 0;
	field = strstr(came.head, "\r\nContent-Length: ");
	if (strncmp(came.head, "HTTP/1.1 200 ", 13) || !field)
		errx(1, "this is no good head: %s", came.head);
	came.left = strtoull(field + strlen("\r\nContent-Length: "), NULL, 10);
}

static void take_bodies(const uint8_t *p, size_t n)
{
	while (n) {
		size_t part = came.left < n ? (size_t)came.left : n;

		if (part) {
			take(p, part);
			came.left -= part;
			p += part;
			n -= part;
			continue;
		}
		if (came.head_len + 1 == sizeof(came.head))
			errx(1, "a head without an end");
		came.head[came.head_len++] = (char)*p++;
		n--;
		if (came.head_len >= 4 && !memcmp(came.head + came.head_len - 4, "\r\n\r\n", 4))
			end_head();
	}
}

/* Reads to the end; prints what it was. False when the time is over. */
static int hash_output(int fd, long long deadline_ms)
{
	static uint8_t chunk[65536];
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned int n_hash = 0;
	ssize_t n;

	came.digest = EVP_MD_CTX_new();
	if (!came.digest || !EVP_DigestInit_ex(came.digest, EVP_sha256(), NULL))
		errx(125, "SHA-256");
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		long long left = deadline_ms - now_ms();

		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return 0;
		n = read(fd, chunk, sizeof(chunk));
		if (n <= 0)
			break;
		(came.only_bodies ? take_bodies : take)(chunk, (size_t)n);
	}
	EVP_DigestFinal_ex(came.digest, hash, &n_hash);
	EVP_MD_CTX_free(came.digest);
	printf("%llu ", came.len);
	for (unsigned int i = 0; i < n_hash; i++)
		printf("%02x", hash[i]);
	putchar('\n');
	return 1;
}

/* Where the command begins. */
static int find_command(int argc, char **argv)
{
	for (int i = 1; i < argc - 1; i++)
		if (!strcmp(argv[i], "--"))
			return i + 1;
	errx(125, "usage: converse [-t SECONDS] [-g] [N]... -- COMMAND [ARGUMENT]...");
}

int main(int argc, char **argv)
{
	int command = find_command(argc, argv), first = 1, in[2], out[2], status, in_time;
	long long seconds = 60, deadline_ms;
	pid_t writer, client;

	if (!strcmp(argv[1], "-t")) {
		seconds = strtoll(argv[2], NULL, 10);
		first = 3;
	}
	if (!strcmp(argv[first], "-g")) {
		came.only_bodies = true;
		first++;
	}
	deadline_ms = now_ms() + seconds * 1000;
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		err(125, "pipe");
	client = fork_child(in[0], out[1]);
	if (!client) {
		execvp(argv[command], argv + command);
		err(127, "%s", argv[command]);
	}
	close(out[1]);
	writer = start_writer(in[0], in[1], came.only_bodies, argv + first, command - 1 - first);
	close(in[0]);
	in_time = hash_output(out[0], deadline_ms);
	if (!in_time)
		kill(client, SIGKILL);
	if (waitpid(client, &status, 0) < 0)
		err(125, "waitpid");
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	if (!in_time)
		errx(124, "the time is over");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
