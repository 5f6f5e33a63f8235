/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handshakes that are cut off after each of their bytes.
 *
 *	cut [-v 1.2|1.3] fin|reset ADDRESS PORT [STEP]
 *
 * For n from 0 to what a client sends in a whole handshake, by STEP (1): sends n bytes of one, half
 * closes or resets, and waits for the other end to go. Prints the number of connections and of the
 * bytes of a handshake, which it learns by one that is whole and ends by FIN.
 */
#include <err.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

static bool resets;

/* Sends up to *left bytes of what OpenSSL has to say: false when that is all that may be sent. */
static bool send_pending(BIO *out, size_t *left)
{
	char *bytes;
	size_t len = (size_t)BIO_get_mem_data(out, &bytes);

	if (len > *left) {
		peer_send(bytes, *left);
		*left = 0;
		return false;
	}
	peer_send(bytes, len);
	*left -= len;
	(void)BIO_reset(out);
	return true;
}

/* Feeds OpenSSL with what comes: false at the end. */
static bool receive_some(BIO *in)
{
	char bytes[4096];
	ssize_t n = recv(peer.fd, bytes, sizeof(bytes), 0);

	if (n > 0)
		BIO_write(in, bytes, (int)n);
	return n > 0;
}

static void drop(void)
{
	const struct linger now = { .l_onoff = 1 };
	char bytes[4096];

	if (resets) {
		setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	} else {
		shutdown(peer.fd, SHUT_WR);
		while (recv(peer.fd, bytes, sizeof(bytes), 0) > 0)
			;
	}
	close(peer.fd);
}

/* One connection that sends up to `max` bytes of a handshake: how many it has sent. */
static size_t cut_at(char **where, size_t max)
{
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	SSL *ssl = peer_new_ssl();
	size_t left = max;
	bool done;

	SSL_set_bio(ssl, in, out);
	peer_dial(where[0], where[1]);
	do
		done = SSL_connect(ssl) == 1;
	while (send_pending(out, &left) && !done && receive_some(in));
	drop();
	SSL_free(ssl);
	return max - left;
}

int main(int argc, char **argv)
{
	size_t whole, step, n = 0;
	char **where;
	int option;

	while ((option = getopt(argc, argv, "+v:")) != -1) {
		if (option != 'v')
			return 2;
		peer_options.version = !strcmp(optarg, "1.2") ? TLS1_2_VERSION : TLS1_3_VERSION;
	}
	if (argc - optind < 3)
		errx(2, "usage: cut [-v 1.2|1.3] fin|reset ADDRESS PORT [STEP]");
	where = &argv[optind + 1];
	step = where[2] ? strtoul(where[2], NULL, 10) : 1;
	signal(SIGPIPE, SIG_IGN);
	alarm(120);
	whole = cut_at(where, SIZE_MAX);
	resets = !strcmp(argv[optind], "reset");
	for (size_t at = 0; at < whole; at += step, n++)
		if (cut_at(where, at) != at)
			errx(1, "the handshake ended before its byte %zu", at);
	printf("%zu %zu\n", n, whole);
	return 0;
}
