/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backends that behave badly, on 127/8 TCP addresses: badbackend MODE IP PORT
 *	full	its queue is full: nobody gets through
 *	mute	accepts and never reads
 *	reset	answers a few bytes, then resets
 *	sink	reads everything, says nothing, closes when the client has finished
 * Prints READY; ends with its standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CLIENTS = 64 };

static int listen_at(const struct sockaddr_in *in, int backlog)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, small = 4096;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (bind(fd, (const struct sockaddr *)in, sizeof(*in)) || listen(fd, backlog)) {
		perror("badbackend");
		exit(1);
	}
	return fd;
}

/* Connections nobody accepts, until the kernel drops further ones. */
static void fill_queue(const struct sockaddr_in *in)
{
	for (int i = 0; i < 8; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (connect(fd, (const struct sockaddr *)in, sizeof(*in)) && errno != EINPROGRESS) {
			perror("badbackend: connect");
			exit(1);
		}
	}
}

static void reset(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	char first;

	if (read(fd, &first, 1) == 1 && write(fd, "part", 4) == 4)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/* False once the client has finished. */
static bool swallow(int fd)
{
	char sink[4096];

	return read(fd, sink, sizeof(sink)) > 0;
}

static void serve(const char *mode, int listener)
{
	struct pollfd fds[2 + MAX_CLIENTS] = { { .fd = STDIN_FILENO, .events = POLLIN },
					       { .fd = listener, .events = POLLIN } };
	nfds_t n = 2;

	while (poll(fds, n, -1) > 0 && !fds[0].revents) {
		for (nfds_t i = 2; i < n; i++)
			if (fds[i].revents && !swallow(fds[i].fd)) {
				close(fds[i].fd);
				fds[i].fd = -1;
			}
		if (!fds[1].revents)
			continue;
		fds[n].fd = accept(listener, NULL, NULL);
		fds[n].events = strcmp(mode, "mute") ? POLLIN : 0;
		if (!strcmp(mode, "reset"))
			reset(fds[n].fd);
		else if (n < 1 + MAX_CLIENTS)
			n++;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	int listener;

	if (argc != 4 || inet_pton(AF_INET, argv[2], &in.sin_addr) != 1)
		return 2;
	in.sin_port = htons((uint16_t)atoi(argv[3]));
	listener = listen_at(&in, strcmp(argv[1], "full") ? 16 : 0);
	if (!strcmp(argv[1], "full")) {
		struct pollfd quit = { .fd = STDIN_FILENO, .events = POLLIN };

		fill_queue(&in);
		puts("READY");
		fflush(stdout);
		poll(&quit, 1, -1);
		return 0;
	}
	puts("READY");
	fflush(stdout);
	serve(argv[1], listener);
	return 0;
}
