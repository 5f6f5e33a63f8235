/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients that stop, many of them in one thread.
 *
 *	stall [-h | -s] [-r] [-w HANDSHAKES] ADDRESS PORT COUNT BYTES
 *
 * Each of COUNT connections does its TLS handshake, asks for /BYTES and never reads. With -h each
 * sends its ClientHello and nothing more; with -s it does its handshake and is silent. With -r each
 * goes to the port after that of the one before. At most HANDSHAKES (16) are under way at once. When
 * all have come that far it prints "READY open=N refused=N" and keeps them until it is killed.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * As in a network, not as on loopback: by segments of 64 KiB the sender's buffer would grow to
 * megabytes for each connection, and all of TCP's memory be used up.
 */
enum { RECEIVE_BUFFER = 4096, SEGMENT = 1400, MAX_EVENTS = 64 };

struct client {
	int fd;
	SSL *ssl;
	bool greeted; /* the ClientHello was sent */
};

static struct {
	bool hello_only, silent, range;
	unsigned int at_once, count;
	struct sockaddr_in address;
	char request[64];
} options = { .at_once = 16 };

static int loop;
static SSL_CTX *context;
static unsigned int under_way, n_open, n_refused;

static void client_start(void)
{
	struct client *c = calloc(1, sizeof(*c));
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
	int size = RECEIVE_BUFFER, segment = SEGMENT;

	if (!c)
		errx(1, "no memory");
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		err(1, "socket");
	/* before connect, or the window that was offered stays */
	setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(c->fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
	if (connect(c->fd, (struct sockaddr *)&options.address, sizeof(options.address)) &&
	    errno != EINPROGRESS)
		err(1, "connect");
	if (options.range)
		options.address.sin_port = htons(ntohs(options.address.sin_port) + 1);
	c->ssl = SSL_new(context);
	if (!c->ssl || !SSL_set_fd(c->ssl, c->fd))
		errx(1, "SSL_new");
	if (options.hello_only) /* an answer that comes at once must not be read either */
		SSL_set0_rbio(c->ssl, BIO_new(BIO_s_mem()));
	if (epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &ev))
		err(1, "epoll_ctl");
	under_way++;
}

/* It has come as far as it should, and stays. */
static void client_stay(struct client *c)
{
	epoll_ctl(loop, EPOLL_CTL_DEL, c->fd, NULL);
	under_way--;
	n_open++;
}

static void client_refused(struct client *c)
{
	under_way--;
	n_refused++;
	close(c->fd);
	SSL_free(c->ssl);
	free(c);
}

/* The first byte of the answer is left unread: it only tells that there is one. */
static void client_await_answer(struct client *c)
{
	char byte;
	ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK);

	if (n > 0)
		client_stay(c);
	else if (n == 0 || errno != EAGAIN)
		client_refused(c);
}

static void client_run(struct client *c)
{
	int r;

	if (c->greeted && options.hello_only) {
		client_await_answer(c);
		return;
	}
	r = SSL_connect(c->ssl);
	if (r == 1 && !options.silent)
		r = SSL_write(c->ssl, options.request, (int)strlen(options.request));
	if (r > 0) {
		client_stay(c);
		return;
	}
	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		c->greeted = true;
		break;
	case SSL_ERROR_WANT_WRITE:
		break;
	default:
		client_refused(c);
	}
}

static void use_all_descriptors(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		err(1, "getrlimit");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "setrlimit");
}

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "hrsw:")) != -1) {
		if (option == 'h')
			options.hello_only = true;
		else if (option == 'r')
			options.range = true;
		else if (option == 's')
			options.silent = true;
		else if (option == 'w')
			options.at_once = (unsigned int)strtoul(optarg, NULL, 10);
		else
			exit(2);
	}
	if (argc - optind != 4)
		errx(2, "usage: stall [-h | -s] [-r] [-w HANDSHAKES] ADDRESS PORT COUNT BYTES");
	options.address.sin_family = AF_INET;
	options.address.sin_port = htons((uint16_t)strtoul(argv[optind + 1], NULL, 10));
	if (inet_pton(AF_INET, argv[optind], &options.address.sin_addr) != 1)
		errx(2, "%s: no IPv4 address", argv[optind]);
	options.count = (unsigned int)strtoul(argv[optind + 2], NULL, 10);
	snprintf(options.request, sizeof(options.request), "GET /%s HTTP/1.1\r\n\r\n",
		 argv[optind + 3]);
}

int main(int argc, char **argv)
{
	struct epoll_event events[MAX_EVENTS];
	unsigned int started = 0;

	parse(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	use_all_descriptors();
	context = SSL_CTX_new(TLS_client_method());
	loop = epoll_create1(EPOLL_CLOEXEC);
	if (!context || loop < 0)
		errx(1, "no TLS context or no epoll");
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	while (n_open + n_refused < options.count) {
		int n;

		while (started < options.count && under_way < options.at_once) {
			client_start();
			started++;
		}
		n = epoll_wait(loop, events, MAX_EVENTS, -1);
		for (int i = 0; i < n; i++)
			client_run(events[i].data.ptr);
	}
	printf("READY open=%u refused=%u\n", n_open, n_refused);
	fflush(stdout);
	for (;;)
		pause();
}
