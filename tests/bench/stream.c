/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One bulk stream through a proxy, at as little cost as can be.
 *
 *	stream [-p] [-v 1.2|1.3] [-c SUITE] down|up BYTES ADDRESS PORT
 *
 * Connects, makes the handshake (not with -p: plain TCP), prints READY and waits for a line on stdin, so
 * that handshakes can be left out of a count. Down: asks with "GET /BYTES" and throws the ciphertext away
 * unread and undecrypted until the other side ends. Up: sends BYTES, ends, and waits for the other side's
 * end. Prints
 *	bytes=N wire=N wall_ns=N
 * and fails if fewer bytes than BYTES came.
 */
#include <signal.h>

#include "client.h"

enum { CHUNK = 1 << 20, RECORD = 16384 };

static struct {
	bool plain;
	const char *version, *suite;
} options = { .version = "1.3", .suite = "TLS_AES_128_GCM_SHA256" };

static int fd;
static SSL *ssl;

static void put(const char *p, size_t len)
{
	while (len) {
		ssize_t n = ssl ? SSL_write(ssl, p, (int)len) : send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			errx(1, "the connection ended while sending");
		p += n;
		len -= (size_t)n;
	}
}

/* Reads to the end: how many bytes there were. */
static uint64_t discard(void)
{
	uint64_t total = 0;
	ssize_t n;

	while ((n = recv(fd, NULL, CHUNK, MSG_TRUNC)) > 0)
		total += (uint64_t)n;
	if (n < 0)
		err(1, "recv");
	return total;
}

static uint64_t down(uint64_t bytes)
{
	char request[64];
	int len = snprintf(request, sizeof(request), "GET /%llu HTTP/1.1\r\n\r\n",
			   (unsigned long long)bytes);
	uint64_t wire;

	put(request, (size_t)len);
	wire = discard();
	if (wire < bytes)
		errx(1, "only %llu bytes came", (unsigned long long)wire);
	return wire;
}

static uint64_t up(uint64_t bytes)
{
	static char record[RECORD];

	for (uint64_t left = bytes; left;) {
		size_t n = left < RECORD ? (size_t)left : RECORD;

		put(record, n);
		left -= n;
	}
	if (ssl)
		SSL_shutdown(ssl);
	shutdown(fd, SHUT_WR);
	return discard();
}

static void handshake(void)
{
	SSL_CTX *ctx = client_context(options.version, options.suite);

	SSL_CTX_clear_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	if (!ssl || !SSL_set_fd(ssl, fd) || SSL_connect(ssl) != 1)
		errx(1, "no handshake");
}

int main(int argc, char **argv)
{
	struct sockaddr_in address;
	uint64_t bytes, wire, started;
	char line[16];
	int option;

	while ((option = getopt(argc, argv, "pv:c:")) != -1) {
		if (option == 'p')
			options.plain = true;
		else if (option == 'v')
			options.version = optarg;
		else if (option == 'c')
			options.suite = optarg;
		else
			exit(2);
	}
	if (argc - optind != 4 || (strcmp(argv[optind], "up") && strcmp(argv[optind], "down")))
		errx(2, "usage: stream [-p] [-v 1.2|1.3] [-c SUITE] down|up BYTES ADDRESS PORT");
	bytes = client_number(argv[optind + 1]);
	address = client_address(argv[optind + 2], argv[optind + 3]);
	signal(SIGPIPE, SIG_IGN);
	fd = client_dial(&address, 0);
	if (!options.plain)
		handshake();
	puts("READY");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	started = client_now_ns();
	wire = *argv[optind] == 'd' ? down(bytes) : up(bytes);
	printf("bytes=%llu wire=%llu wall_ns=%llu\n", (unsigned long long)bytes,
	       (unsigned long long)wire, (unsigned long long)(client_now_ns() - started));
	return 0;
}
