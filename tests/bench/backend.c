/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The services behind the proxies, as cheap as can be.
 *
 *	backend MODE=ADDRESS:PORT...
 *
 * Listens on all of them, prints READY and serves until it is killed. Modes:
 *	answer	answers whatever comes at once with a small HTTP answer, and keeps the connection
 *	source	takes a request "GET /N", sends N bytes of zeros and ends
 *	sink	throws away what comes, unread, answers the end with an end, and prints sunk=BYTES
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "client.h"

enum { CHUNK = 1 << 20, MAX_EVENTS = 64 };
enum mode { ANSWER, SOURCE, SINK, N_MODES };

static const char *const mode_names[N_MODES] = { "answer", "source", "sink" };
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";

struct peer {
	int fd;
	enum mode mode;
	bool listens;
	uint64_t left; /* to be sent by a source */
	uint64_t sunk; /* taken by a sink */
};

static int loop;
static char *chunk;

static void peer_watch(struct peer *p, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.ptr = p };

	if (epoll_ctl(loop, op, p->fd, &ev))
		err(1, "epoll_ctl");
}

static void peer_free(struct peer *p)
{
	close(p->fd);
	free(p);
}

static bool serve_answer(struct peer *p)
{
	char request[2048];
	ssize_t n = recv(p->fd, request, sizeof(request), 0);

	if (n < 0)
		return errno == EAGAIN;
	return n > 0 && send(p->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) > 0;
}

/* Takes the request, then sends: false at the end. */
static bool serve_source(struct peer *p)
{
	char request[512] = "";

	if (!p->left) {
		ssize_t n = recv(p->fd, request, sizeof(request) - 1, 0);

		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		if (strncmp(request, "GET /", 5) != 0)
			return false;
		p->left = strtoull(request + 5, NULL, 10);
		peer_watch(p, EPOLLOUT, EPOLL_CTL_MOD);
	}
	while (p->left) {
		size_t len = p->left < CHUNK ? (size_t)p->left : CHUNK;
		ssize_t n = send(p->fd, chunk, len, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN;
		p->left -= (uint64_t)n;
	}
	return false;
}

static bool serve_sink(struct peer *p)
{
	ssize_t n;

	while ((n = recv(p->fd, NULL, CHUNK, MSG_TRUNC)) > 0)
		p->sunk += (uint64_t)n;
	if (n < 0 && errno == EAGAIN)
		return true;
	printf("sunk=%llu\n", (unsigned long long)p->sunk);
	fflush(stdout);
	return false;
}

static void serve(struct peer *p)
{
	bool stays = p->mode == ANSWER ? serve_answer(p) :
		     p->mode == SOURCE ? serve_source(p) :
					 serve_sink(p);

	if (!stays)
		peer_free(p);
}

static void accept_one(const struct peer *listener)
{
	int one = 1, fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct peer *p;

	if (fd < 0)
		return;
	p = calloc(1, sizeof(*p));
	if (!p)
		errx(1, "no memory");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*p = (struct peer){ .fd = fd, .mode = listener->mode };
	peer_watch(p, EPOLLIN, EPOLL_CTL_ADD);
}

static void listen_at(const char *text)
{
	struct peer *p = calloc(1, sizeof(*p));
	const char *where = strchr(text, '='), *port = strrchr(text, ':');
	struct sockaddr_in in;
	char host[64];
	unsigned int mode = 0;
	int one = 1;

	if (!p || !where || !port || (size_t)(port - where) > sizeof(host))
		errx(2, "%s: expected MODE=ADDRESS:PORT", text);
	while (mode < N_MODES && (strncmp(mode_names[mode], text, (size_t)(where - text)) != 0 ||
				  mode_names[mode][where - text]))
		mode++;
	if (mode == N_MODES)
		errx(2, "%s: no such mode", text);
	snprintf(host, sizeof(host), "%.*s", (int)(port - where - 1), where + 1);
	in = client_address(host, port + 1);
	*p = (struct peer){ .mode = (enum mode)mode, .listens = true };
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		err(1, "socket");
	setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(p->fd, (struct sockaddr *)&in, sizeof(in)) || listen(p->fd, 4096))
		err(1, "%s", text);
	peer_watch(p, EPOLLIN, EPOLL_CTL_ADD);
}

int main(int argc, char **argv)
{
	struct epoll_event events[MAX_EVENTS];

	if (argc < 2)
		errx(2, "usage: backend MODE=ADDRESS:PORT...");
	signal(SIGPIPE, SIG_IGN);
	client_use_all_descriptors();
	chunk = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	loop = epoll_create1(EPOLL_CLOEXEC);
	if (chunk == MAP_FAILED || loop < 0)
		err(1, "no memory or no epoll");
	for (int i = 1; i < argc; i++)
		listen_at(argv[i]);
	puts("READY");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(loop, events, MAX_EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct peer *p = events[i].data.ptr;

			if (p->listens)
				accept_one(p);
			else
				serve(p);
		}
	}
}
