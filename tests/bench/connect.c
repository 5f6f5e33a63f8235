/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes connections, each with a full TLS handshake, one request and its answer.
 *
 *	connect [-k] [-n COUNT] [-w AT_ONCE] [-t SECONDS] [-r PATH] ADDRESS PORT
 *
 * Prints READY and waits for a line on stdin. Then keeps AT_ONCE (32) of them under way until COUNT (1000)
 * have ended, and prints
 *	completed=N failed=N resumed=N wall_ns=N
 * A connection counts as completed when the whole answer has come and the close was clean or at least
 * sent. With -k connections stay open after the answer, without a TLS object; when all are there it
 * prints the line, then waits until stdin ends. Gives up after SECONDS (60).
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>

#include "client.h"

enum { MAX_EVENTS = 64 };

struct connection {
	int fd;
	SSL *ssl;
	bool asked, answered;
	struct client_answer answer;
};

static struct {
	bool keep;
	uint64_t count, at_once, seconds;
	char request[256];
	struct sockaddr_in address;
} options = { .count = 1000, .at_once = 32, .seconds = 60 };

static int loop;
static SSL_CTX *context;
static uint64_t n_started, n_under_way, n_completed, n_failed, n_resumed;

static void connection_start(void)
{
	struct connection *c = calloc(1, sizeof(*c));
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };

	if (!c)
		errx(1, "no memory");
	c->fd = client_dial(&options.address, SOCK_NONBLOCK);
	c->ssl = SSL_new(context);
	if (!c->ssl || !SSL_set_fd(c->ssl, c->fd))
		errx(1, "SSL_new");
	SSL_set_connect_state(c->ssl);
	if (epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &ev))
		err(1, "epoll_ctl");
	n_started++;
	n_under_way++;
}

/* Ends what is under way; the socket stays open if it is to be kept. */
static void connection_end(struct connection *c, bool completed)
{
	n_under_way--;
	if (completed)
		n_completed++;
	else
		n_failed++;
	if (completed && SSL_session_reused(c->ssl))
		n_resumed++;
	SSL_free(c->ssl);
	if (options.keep && completed)
		epoll_ctl(loop, EPOLL_CTL_DEL, c->fd, NULL);
	else
		close(c->fd);
	free(c);
}

/* After the answer: says goodbye and waits for the other side's, so that its work is in the count. */
static int connection_close(struct connection *c)
{
	char rest[512];
	int r;

	if (!c->answered && !options.keep) {
		SSL_shutdown(c->ssl);
		shutdown(c->fd, SHUT_WR);
	}
	c->answered = true;
	if (options.keep) {
		connection_end(c, true);
		return 1;
	}
	do {
		r = (int)recv(c->fd, rest, sizeof(rest), 0);
	} while (r > 0);
	if (r < 0 && errno == EAGAIN)
		return 0;
	connection_end(c, true);
	return 1;
}

/* One step; what SSL_get_error() is to be asked about, or 1 with *over when the connection is done. */
static int connection_step(struct connection *c, bool *over)
{
	char buf[16384];
	int r = SSL_is_init_finished(c->ssl) ? 1 : SSL_do_handshake(c->ssl);

	if (r == 1 && !c->asked) {
		r = SSL_write(c->ssl, options.request, (int)strlen(options.request));
		c->asked = r > 0;
	}
	while (r > 0 && !c->answered) {
		int whole;

		r = SSL_read(c->ssl, buf, sizeof(buf));
		if (r <= 0)
			break;
		whole = client_answer_take(&c->answer, buf, (size_t)r);
		if (whole) {
			*over = true;
			if (whole > 0)
				connection_close(c);
			else
				connection_end(c, false);
			break;
		}
	}
	return r;
}

static void connection_run(struct connection *c)
{
	bool over = false;
	int r, error;

	if (c->answered) {
		connection_close(c);
		return;
	}
	r = connection_step(c, &over);
	if (over)
		return;
	error = SSL_get_error(c->ssl, r);
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		connection_end(c, false);
}

static void run(void)
{
	struct epoll_event events[MAX_EVENTS];
	uint64_t deadline = client_now_ns() + options.seconds * CLIENT_NS_PER_S;

	while (n_completed + n_failed < options.count) {
		int n;

		while (n_started < options.count && n_under_way < options.at_once)
			connection_start();
		n = epoll_wait(loop, events, MAX_EVENTS, 1000);
		for (int i = 0; i < n; i++)
			connection_run(events[i].data.ptr);
		if (client_now_ns() > deadline)
			errx(1, "only %llu of %llu connections after %llu s",
			     (unsigned long long)n_completed, (unsigned long long)options.count,
			     (unsigned long long)options.seconds);
	}
}

static void parse(int argc, char **argv)
{
	const char *path = "/";
	int option;

	while ((option = getopt(argc, argv, "kn:w:t:r:")) != -1) {
		switch (option) {
		case 'k':
			options.keep = true;
			break;
		case 'n':
			options.count = client_number(optarg);
			break;
		case 'w':
			options.at_once = client_number(optarg);
			break;
		case 't':
			options.seconds = client_number(optarg);
			break;
		case 'r':
			path = optarg;
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind != 2)
		errx(2, "usage: connect [-k] [-n COUNT] [-w AT_ONCE] [-t SECONDS] [-r PATH] "
			"ADDRESS PORT");
	options.address = client_address(argv[optind], argv[optind + 1]);
	snprintf(options.request, sizeof(options.request),
		 "GET %s HTTP/1.1\r\nHost: bench.test\r\n\r\n", path);
}

int main(int argc, char **argv)
{
	uint64_t started;
	char line[16];

	parse(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	client_use_all_descriptors();
	context = client_context("1.3", "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set_quiet_shutdown(context, options.keep);
	loop = epoll_create1(EPOLL_CLOEXEC);
	if (loop < 0)
		err(1, "epoll");
	puts("READY");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	started = client_now_ns();
	run();
	printf("completed=%llu failed=%llu resumed=%llu wall_ns=%llu\n",
	       (unsigned long long)n_completed, (unsigned long long)n_failed,
	       (unsigned long long)n_resumed, (unsigned long long)(client_now_ns() - started));
	fflush(stdout);
	while (options.keep && fgets(line, sizeof(line), stdin))
		;
	return 0;
}
