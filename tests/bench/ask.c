/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keep-alive requests over TLS 1.3 whose answers are thrown away as ciphertext.
 *
 *	ask [-c CONNECTIONS] [-n REQUESTS] [-r RATE] [-s SUITE] PATH ADDRESS PORT
 *
 * Opens the connections (1), asks for PATH once on each and decrypts the answer, to learn its length; prints
 * READY and waits for a line on stdin. Then makes REQUESTS (1000) in all, and tells by the lengths of
 * records when an answer is complete; all answers have to be as long as the first. Without -r each connection
 * asks again as soon as it can. With -r there are RATE requests a second by the clock, on whichever
 * connection is free; their time counts from when they were due, whether or not one was free. Prints
 *	requests=N bytes=N wall_ns=N p50_us=N p99_us=N first_p50_us=N first_p99_us=N
 * where bytes are plaintext and "first" is the time to the first byte.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>

#include "client.h"

enum { MAX_EVENTS = 64, CHUNK = 1 << 18, HEADER_LEN = 5, TAG_AND_TYPE = 17, DATA = 23 };

struct connection {
	int fd;
	SSL *ssl; /* for sending; what it has received ends at a record's end */
	bool busy;
	uint64_t due_ns, first_ns, plain_left; /* first_ns: 0 before the first byte */
	uint8_t header[HEADER_LEN];
	size_t header_len, record_left;
};

static struct {
	uint64_t connections, requests, rate;
	const char *suite;
	char request[512];
	struct sockaddr_in address;
} options = { .connections = 1, .requests = 1000, .suite = "TLS_AES_128_GCM_SHA256" };

static int loop;
static struct connection *connections;
static uint64_t answer_len, n_begun, n_ended, started_ns;
static uint64_t *whole_ns, *first_ns; /* of each request that has ended */

/* ---- one connection ---- */

static void ask(struct connection *c, uint64_t due_ns)
{
	int len = (int)strlen(options.request);

	c->busy = true;
	c->first_ns = 0;
	c->due_ns = due_ns;
	c->plain_left = answer_len;
	n_begun++;
	if (SSL_write(c->ssl, options.request, len) != len)
		errx(1, "cannot send a request");
}

/* The header of a record is complete. */
static void take_header(struct connection *c)
{
	size_t len = (size_t)c->header[3] << 8 | c->header[4];

	if (c->header[0] != DATA || len < TAG_AND_TYPE || len - TAG_AND_TYPE > c->plain_left)
		errx(1, "a record of type %u and %zu bytes with %llu bytes to come", c->header[0],
		     len, (unsigned long long)c->plain_left);
	c->record_left = len;
	c->plain_left -= len - TAG_AND_TYPE;
	c->header_len = 0;
}

static void take_bytes(struct connection *c, const uint8_t *p, size_t n)
{
	while (n) {
		size_t part;

		if (c->record_left) {
			part = n < c->record_left ? n : c->record_left;
			c->record_left -= part;
		} else {
			part = HEADER_LEN - c->header_len;
			part = n < part ? n : part;
			memcpy(c->header + c->header_len, p, part);
			c->header_len += part;
			if (c->header_len == HEADER_LEN)
				take_header(c);
		}
		p += part;
		n -= part;
	}
}

static void end_answer(struct connection *c)
{
	first_ns[n_ended] = c->first_ns;
	whole_ns[n_ended++] = client_now_ns() - c->due_ns;
	c->busy = false;
}

static void receive(struct connection *c)
{
	static uint8_t chunk[CHUNK];
	ssize_t n;

	while (c->busy && (n = recv(c->fd, chunk, sizeof(chunk), 0)) != 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			err(1, "recv");
		if (!c->first_ns)
			c->first_ns = client_now_ns() - c->due_ns;
		take_bytes(c, chunk, (size_t)n);
		if (!c->plain_left && !c->record_left)
			end_answer(c);
	}
	if (c->busy)
		errx(1, "the other side ended a connection");
}

/* ---- before the clock runs ---- */

static void first_answer(struct connection *c)
{
	struct client_answer answer = { 0 };
	char buf[16384];
	int whole = 0;

	if (SSL_write(c->ssl, options.request, (int)strlen(options.request)) <= 0)
		errx(1, "cannot send a request");
	while (!whole) {
		int n = SSL_read(c->ssl, buf, sizeof(buf));

		if (n <= 0)
			errx(1, "no answer");
		whole = client_answer_take(&answer, buf, (size_t)n);
	}
	if (whole < 0 || SSL_pending(c->ssl) || (answer_len && answer.len != answer_len))
		errx(1, "not the answer that was expected: %.200s", answer.head);
	answer_len = answer.len;
}

static void open_connection(struct connection *c, SSL_CTX *ctx)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

	c->fd = client_dial(&options.address, 0);
	c->ssl = SSL_new(ctx);
	if (!c->ssl || !SSL_set_fd(c->ssl, c->fd) || SSL_connect(c->ssl) != 1)
		errx(1, "no handshake");
	first_answer(c);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &ev))
		err(1, "epoll_ctl");
}

/* ---- the load ---- */

/* Begins what is due; the milliseconds until something is, -1 if nothing will be by itself. */
static int begin_requests(void)
{
	uint64_t now = client_now_ns();

	for (uint64_t i = 0; i < options.connections && n_begun < options.requests; i++) {
		struct connection *c = &connections[i];
		uint64_t due = now;

		if (c->busy)
			continue;
		if (options.rate) {
			due = started_ns + n_begun * CLIENT_NS_PER_S / options.rate;
			if (due > now)
				return (int)((due - now) / 1000000);
		}
		ask(c, due);
	}
	return -1;
}

static void run(void)
{
	struct epoll_event events[MAX_EVENTS];

	started_ns = client_now_ns();
	while (n_ended < options.requests) {
		int wait_ms = begin_requests();
		int n = epoll_wait(loop, events, MAX_EVENTS, wait_ms);

		for (int i = 0; i < n; i++)
			receive(events[i].data.ptr);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double quantile_us(const uint64_t *sorted, unsigned int percent)
{
	return (double)sorted[(options.requests - 1) * percent / 100] / 1000;
}

static void print(uint64_t wall_ns)
{
	qsort(whole_ns, options.requests, sizeof(*whole_ns), compare);
	qsort(first_ns, options.requests, sizeof(*first_ns), compare);
	printf("requests=%llu bytes=%llu wall_ns=%llu p50_us=%.1f p99_us=%.1f first_p50_us=%.1f "
	       "first_p99_us=%.1f\n",
	       (unsigned long long)n_ended, (unsigned long long)(n_ended * answer_len),
	       (unsigned long long)wall_ns, quantile_us(whole_ns, 50), quantile_us(whole_ns, 99),
	       quantile_us(first_ns, 50), quantile_us(first_ns, 99));
}

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:n:r:s:")) != -1) {
		if (option == 'c')
			options.connections = client_number(optarg);
		else if (option == 'n')
			options.requests = client_number(optarg);
		else if (option == 'r')
			options.rate = client_number(optarg);
		else if (option == 's')
			options.suite = optarg;
		else
			exit(2);
	}
	if (argc - optind != 3 || !options.requests || !options.connections)
		errx(2, "usage: ask [-c CONNECTIONS] [-n REQUESTS] [-r RATE] [-s SUITE] PATH "
			"ADDRESS PORT");
	snprintf(options.request, sizeof(options.request),
		 "GET %s HTTP/1.1\r\nHost: bench.test\r\n\r\n", argv[optind]);
	options.address = client_address(argv[optind + 1], argv[optind + 2]);
}

int main(int argc, char **argv)
{
	char line[16];
	SSL_CTX *ctx;

	parse(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	loop = epoll_create1(EPOLL_CLOEXEC);
	ctx = client_context("1.3", options.suite);
	SSL_CTX_clear_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
	connections = calloc(options.connections, sizeof(*connections));
	whole_ns = calloc(options.requests, sizeof(*whole_ns));
	first_ns = calloc(options.requests, sizeof(*first_ns));
	if (loop < 0 || !connections || !whole_ns || !first_ns)
		errx(1, "no memory or no epoll");
	for (uint64_t i = 0; i < options.connections; i++)
		open_connection(&connections[i], ctx);
	puts("READY");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	run();
	print(client_now_ns() - started_ns);
	return 0;
}
