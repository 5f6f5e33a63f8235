/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floors below a proxy: one connection at a time, spliced through one large pipe, nothing else.
 *
 *	relay plain LISTEN_ADDRESS PORT BACKEND_ADDRESS PORT
 *	relay ktls LISTEN_ADDRESS PORT BACKEND_ADDRESS PORT CERTIFICATE KEY
 *
 * plain is TCP on both sides. ktls makes the handshake by OpenSSL, gives both keys to the kernel at once
 * and splices the same way: what the kernel's TLS costs whoever uses it. No timeouts, no key updates, no
 * tickets, no alerts: a floor, not a server. Prints READY and serves until it is killed.
 */
#include <fcntl.h>
#include <linux/tls.h>
#include <poll.h>
#include <signal.h>

#include "../helpers/schedule.h"
#include "client.h"

enum { PIPE_SIZE = 1 << 20 };

static int pipe_fds[2];

/* ---- kernel TLS ---- */

static void install(int fd, int direction, const struct seal *s)
{
	struct tls12_crypto_info_aes_gcm_128 info = {
		.info = { .version = TLS_1_3_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128 },
	};

	memcpy(info.key, s->key, sizeof(info.key));
	memcpy(info.salt, s->nonce, sizeof(info.salt));
	memcpy(info.iv, s->nonce + sizeof(info.salt), sizeof(info.iv));
	if (setsockopt(fd, SOL_TLS, direction, &info, sizeof(info)))
		err(1, "TLS_%s", direction == TLS_TX ? "TX" : "RX");
}

static void become_tls(int fd, SSL_CTX *ctx)
{
	struct schedule keys;
	SSL *ssl = SSL_new(ctx);

	if (!ssl || !SSL_set_fd(ssl, fd) || SSL_accept(ssl) != 1)
		errx(1, "no handshake");
	schedule_take(&keys, ssl);
	if (setsockopt(fd, SOL_TCP, TCP_ULP, "tls", sizeof("tls")))
		err(1, "TCP_ULP");
	install(fd, TLS_TX, &keys.server.seal);
	install(fd, TLS_RX, &keys.client.seal);
	SSL_set_quiet_shutdown(ssl, 1);
	SSL_free(ssl);
}

static SSL_CTX *server_context(const char *certificate, const char *key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (!ctx || SSL_CTX_use_certificate_file(ctx, certificate, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		errx(1, "no TLS context");
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_keylog_callback(ctx, schedule_keylog);
	return ctx;
}

/* ---- the relay ---- */

static void deliver(int to, size_t n)
{
	struct pollfd room = { .fd = to, .events = POLLOUT };

	while (n) {
		ssize_t sent = splice(pipe_fds[0], NULL, to, NULL, n, SPLICE_F_MOVE);

		if (sent > 0)
			n -= (size_t)sent;
		else if (errno != EAGAIN || poll(&room, 1, -1) < 0)
			err(1, "splice");
	}
}

/*
 * Moves what there is: false at the end. As kernel TLS gives one record at a time, the pipe is filled before
 * it is emptied. A record that is no data is an end too (EINVAL).
 */
static bool pump(int from, int to)
{
	size_t in_pipe;
	ssize_t n;

	do {
		in_pipe = 0;
		while ((n = splice(from, NULL, pipe_fds[1], NULL, PIPE_SIZE,
				   SPLICE_F_MOVE | SPLICE_F_NONBLOCK)) > 0)
			in_pipe += (size_t)n;
		if (n < 0 && errno != EINVAL && errno != EAGAIN)
			warn("splice");
		if (n < 0 && errno == EAGAIN)
			n = 1;
		deliver(to, in_pipe);
	} while (in_pipe && n > 0);
	return n > 0;
}

static void relay(int client, int backend)
{
	struct pollfd fds[] = { { .fd = client, .events = POLLIN },
				{ .fd = backend, .events = POLLIN } };

	/* TCP looks at this when it is spliced from, kernel TLS at splice()'s own flag */
	fcntl(client, F_SETFL, O_NONBLOCK);
	fcntl(backend, F_SETFL, O_NONBLOCK);
	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (poll(fds, 2, -1) < 0)
			err(1, "poll");
		if (fds[0].revents && !pump(client, backend)) {
			shutdown(backend, SHUT_WR);
			fds[0].fd = -1;
		}
		if (fds[1].revents && !pump(backend, client)) {
			shutdown(client, SHUT_WR);
			fds[1].fd = -1;
		}
	}
}

static int listen_at(const char *address, const char *port)
{
	struct sockaddr_in in = client_address(address, port);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) || listen(fd, 16))
		err(1, "%s:%s", address, port);
	return fd;
}

int main(int argc, char **argv)
{
	bool ktls = argc == 8 && !strcmp(argv[1], "ktls");
	struct sockaddr_in to;
	SSL_CTX *ctx = NULL;
	int listener, one = 1;

	if (!ktls && (argc != 6 || strcmp(argv[1], "plain") != 0))
		errx(2, "usage: relay plain|ktls ADDRESS PORT ADDRESS PORT [CERTIFICATE KEY]");
	signal(SIGPIPE, SIG_IGN);
	to = client_address(argv[4], argv[5]);
	if (ktls)
		ctx = server_context(argv[6], argv[7]);
	if (pipe2(pipe_fds, O_CLOEXEC) || fcntl(pipe_fds[0], F_SETPIPE_SZ, PIPE_SIZE) < 0)
		err(1, "pipe");
	listener = listen_at(argv[2], argv[3]);
	puts("READY");
	fflush(stdout);
	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC), backend;

		if (client < 0)
			err(1, "accept");
		setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (ctx)
			become_tls(client, ctx);
		backend = client_dial(&to, 0);
		relay(client, backend);
		close(client);
		close(backend);
	}
}
