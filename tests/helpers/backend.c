/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The services behind ktlsd in the tests.
 *
 *	backend MODE=tcp:ADDRESS:PORT|unix:PATH...
 *
 * Listens on all of them, prints READY and serves until it is killed. Modes:
 *	http	GET /N sends N bytes of the pattern; PUT and POST answer with the SHA-256 and length of
 *		the body they got; keep-alive, pipelining and Connection: close
 *	echo	sends back what comes, and ends when the client does
 *	mute	accepts, and neither reads nor writes
 *	reset	resets the connection as soon as bytes come
 *	cut	reads nothing for a while, so that its sender gets stuck, then answers with 100 bytes of
 *		the pattern and closes, what has come unread: that resets
 *	end	answers the first bytes with one, reads to the end and prints how it came: "fin
 *		LENGTH" or "reset LENGTH"
 *	full	never accepts; its queue takes one connection
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pattern.h"

enum { IN_SIZE = 16384, CHUNK = 65536, TEXT_SIZE = 256, MAX_EVENTS = 64 };
enum mode { HTTP, ECHO_BACK, MUTE, RESET, CUT, END, FULL, N_MODES };

static const char *const mode_names[N_MODES] = { "http", "echo", "mute", "reset",
						 "cut",	 "end",	 "full" };

/* A listening socket, or a connection to one. */
struct peer {
	int fd;
	enum mode mode;
	bool listens;
	bool eof;   /* the other side sends no more */
	bool close; /* ends after the answer */
	char in[IN_SIZE];
	size_t in_len;
	EVP_MD_CTX *digest; /* of the body that is being read, or NULL */
	uint64_t body_left, body_len;
	char text[TEXT_SIZE]; /* to be sent first */
	size_t text_len, text_at;
	uint64_t pattern_at, pattern_end; /* to be sent then */
};

static int loop;

static void peer_free(struct peer *p)
{
	close(p->fd);
	EVP_MD_CTX_free(p->digest);
	free(p);
}

static void peer_watch(struct peer *p, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.ptr = p };

	if (epoll_ctl(loop, op, p->fd, &ev))
		err(1, "epoll_ctl");
}

/* ---- http ---- */

static bool is_answering(const struct peer *p)
{
	return p->text_at < p->text_len || p->pattern_at < p->pattern_end;
}

static void answer(struct peer *p, const char *status, uint64_t len, const char *body)
{
	p->text_at = 0;
	p->text_len = (size_t)snprintf(p->text, sizeof(p->text),
				       "HTTP/1.1 %s\r\nContent-Length: %llu\r\n%s\r\n%s", status,
				       (unsigned long long)len,
				       p->close ? "Connection: close\r\n" : "", body);
}

static void refuse(struct peer *p)
{
	p->close = true;
	p->in_len = 0;
	answer(p, "400 Bad Request", 0, "");
}

static void answer_receipt(struct peer *p)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	char text[EVP_MAX_MD_SIZE * 2 + 32];
	unsigned int n = 0;
	size_t at = 0;

	EVP_DigestFinal_ex(p->digest, hash, &n);
	EVP_MD_CTX_free(p->digest);
	p->digest = NULL;
	for (unsigned int i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%02x", hash[i]);
	at += (size_t)snprintf(text + at, sizeof(text) - at, " %llu\n",
			       (unsigned long long)p->body_len);
	answer(p, "200 OK", at, text);
}

static void take_body(struct peer *p)
{
	size_t n = p->in_len < p->body_left ? p->in_len : (size_t)p->body_left;

	EVP_DigestUpdate(p->digest, p->in, n);
	memmove(p->in, p->in + n, p->in_len - n);
	p->in_len -= n;
	p->body_left -= n;
	if (!p->body_left)
		answer_receipt(p);
}

/* The value of that header line, or NULL; `head` is a string. */
static const char *find_header(const char *head, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
		line += 2;
		if (!strncasecmp(line, name, len) && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " ");
	}
	return NULL;
}

/* Begins the answer to a request whose header is complete. */
static void take_request(struct peer *p, const char *head)
{
	const char *len = find_header(head, "Content-Length");
	const char *connection = find_header(head, "Connection");

	p->close = connection && !strncasecmp(connection, "close", 5);
	if (!strncmp(head, "GET /", 5)) {
		p->pattern_at = 0;
		p->pattern_end = strtoull(head + 5, NULL, 10);
		answer(p, "200 OK", p->pattern_end, "");
	} else if ((!strncmp(head, "PUT ", 4) || !strncmp(head, "POST ", 5)) && len) {
		p->body_left = p->body_len = strtoull(len, NULL, 10);
		p->digest = EVP_MD_CTX_new();
		if (!p->digest || !EVP_DigestInit_ex(p->digest, EVP_sha256(), NULL))
			errx(1, "SHA-256");
	} else {
		refuse(p);
	}
}

/* Takes what has come; true if that led anywhere. */
static bool take_input(struct peer *p)
{
	char *end;
	size_t head_len;

	if (is_answering(p) || (p->close && !p->digest && p->text_len))
		return false;
	if (p->digest && (p->in_len || !p->body_left)) {
		take_body(p);
		return true;
	}
	if (p->digest || !p->in_len)
		return false;
	end = memmem(p->in, p->in_len, "\r\n\r\n", 4);
	if (!end) {
		if (p->in_len == sizeof(p->in))
			refuse(p);
		return p->in_len == 0;
	}
	end[2] = '\0'; /* keeps the last line's end */
	head_len = (size_t)(end + 4 - p->in);
	take_request(p, p->in);
	if (p->in_len >= head_len) {
		memmove(p->in, p->in + head_len, p->in_len - head_len);
		p->in_len -= head_len;
	}
	return true;
}

/* Sends what is due: 0 when all was sent, 1 when the socket takes no more, -1 when it has failed. */
static int send_answer(struct peer *p)
{
	static uint8_t chunk[CHUNK];
	ssize_t n;

	while (p->text_at < p->text_len) {
		n = send(p->fd, p->text + p->text_at, p->text_len - p->text_at, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN ? 1 : -1;
		p->text_at += (size_t)n;
	}
	while (p->pattern_at < p->pattern_end) {
		uint64_t left = p->pattern_end - p->pattern_at;
		size_t len = left < CHUNK ? (size_t)left : CHUNK;

		pattern_fill(PATTERN_DOWN, p->pattern_at, chunk, len);
		n = send(p->fd, chunk, len, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN ? 1 : -1;
		p->pattern_at += (uint64_t)n;
	}
	return 0;
}

/* Reads into the buffer what fits: false when the connection has failed. */
static bool receive(struct peer *p)
{
	ssize_t n;

	if (p->eof || p->in_len == sizeof(p->in))
		return true;
	n = recv(p->fd, p->in + p->in_len, sizeof(p->in) - p->in_len, 0);
	if (n < 0)
		return errno == EAGAIN;
	p->eof = n == 0;
	p->in_len += (size_t)n;
	return true;
}

/* What the peer is to be watched for next; 0 when it is done with. */
static uint32_t serve_http(struct peer *p)
{
	int sent;

	if (!is_answering(p) && !receive(p))
		return 0;
	do {
		sent = send_answer(p);
		if (sent < 0)
			return 0;
		if (sent > 0)
			return EPOLLOUT;
		if (p->close && !p->digest && p->text_len)
			return 0;
	} while (take_input(p));
	return p->eof ? 0 : EPOLLIN;
}

/* ---- the others ---- */

static uint32_t serve_echo(struct peer *p)
{
	ssize_t n;

	if (!receive(p))
		return 0;
	while (p->in_len) {
		n = send(p->fd, p->in, p->in_len, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN ? EPOLLOUT : 0;
		memmove(p->in, p->in + n, p->in_len - (size_t)n);
		p->in_len -= (size_t)n;
	}
	return p->eof ? 0 : EPOLLIN;
}

static uint32_t serve_reset(struct peer *p)
{
	const struct linger now = { .l_onoff = 1 };

	/* A unix socket resets by being closed with bytes unread, a TCP socket by this. */
	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	return 0;
}

static uint32_t serve_cut(struct peer *p)
{
	usleep(300000);
	p->pattern_end = 100;
	(void)send_answer(p);
	return 0;
}

static uint32_t serve_end(struct peer *p)
{
	bool is_well = receive(p);

	if (!p->body_len && p->in_len)
		p->pattern_end = 1;
	(void)send_answer(p);
	p->body_len += p->in_len;
	p->in_len = 0;
	if (is_well && !p->eof)
		return EPOLLIN;
	printf("%s %llu\n", is_well ? "fin" : "reset", (unsigned long long)p->body_len);
	fflush(stdout);
	return 0;
}

static void serve(struct peer *p)
{
	static uint32_t (*const functions[N_MODES])(struct peer *) = {
		[HTTP] = serve_http, [ECHO_BACK] = serve_echo, [RESET] = serve_reset,
		[CUT] = serve_cut,   [END] = serve_end,
	};
	uint32_t events = functions[p->mode](p);

	if (events)
		peer_watch(p, events, EPOLL_CTL_MOD);
	else
		peer_free(p);
}

static void accept_one(const struct peer *listener)
{
	struct peer *p;
	int one = 1, fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	p = calloc(1, sizeof(*p));
	if (!p)
		errx(1, "no memory");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	p->fd = fd;
	p->mode = listener->mode;
	peer_watch(p, p->mode == MUTE ? 0 : EPOLLIN, EPOLL_CTL_ADD);
}

/* A mute connection is watched for nothing, so what is reported is its end. */
static void dispatch(struct peer *p)
{
	if (p->listens)
		accept_one(p);
	else if (p->mode == MUTE)
		peer_free(p);
	else
		serve(p);
}

/* ---- sockets ---- */

static void bind_unix(int fd, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(un.sun_path))
		errx(2, "%s: too long", path);
	strcpy(un.sun_path, path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)))
		err(1, "%s", path);
	if (chmod(path, 0666))
		err(1, "%s", path);
}

static void bind_tcp(int fd, const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	const char *port = strrchr(text, ':');
	char host[64];
	int one = 1;

	if (!port || (size_t)(port - text) >= sizeof(host))
		errx(2, "%s: no ADDRESS:PORT", text);
	snprintf(host, sizeof(host), "%.*s", (int)(port - text), text);
	in.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
	if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
		errx(2, "%s: no IPv4 address", text);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)))
		err(1, "%s", text);
}

static void listen_at(const char *text)
{
	struct peer *p = calloc(1, sizeof(*p));
	const char *where = strchr(text, '=');
	bool is_unix = where && !strncmp(where, "=unix:", 6);
	unsigned int mode = 0;

	if (!p || !where || (!is_unix && strncmp(where, "=tcp:", 5) != 0))
		errx(2, "%s: expected MODE=tcp:ADDRESS:PORT or MODE=unix:PATH", text);
	while (mode < N_MODES && (strncmp(mode_names[mode], text, (size_t)(where - text)) ||
				  mode_names[mode][where - text]))
		mode++;
	if (mode == N_MODES)
		errx(2, "%s: no such mode", text);
	p->mode = (enum mode)mode;
	p->listens = true;
	p->fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		err(1, "socket");
	if (is_unix)
		bind_unix(p->fd, where + 6);
	else
		bind_tcp(p->fd, where + 5);
	if (listen(p->fd, p->mode == FULL ? 0 : 4096))
		err(1, "listen");
	peer_watch(p, p->mode == FULL ? 0 : EPOLLIN, EPOLL_CTL_ADD);
}

int main(int argc, char **argv)
{
	struct epoll_event events[MAX_EVENTS];
	struct rlimit files;

	if (argc < 2)
		errx(2, "usage: backend MODE=tcp:ADDRESS:PORT|unix:PATH...");
	signal(SIGPIPE, SIG_IGN);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	loop = epoll_create1(EPOLL_CLOEXEC);
	if (loop < 0)
		err(1, "epoll");
	for (int i = 1; i < argc; i++)
		listen_at(argv[i]);
	puts("READY");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(loop, events, MAX_EVENTS, -1);

		for (int i = 0; i < n; i++)
			dispatch(events[i].data.ptr);
	}
}
