/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the load generators share: addresses, clocks, a TLS context, and knowing when an HTTP answer is
 * complete. OpenSSL, so that no contender is measured by its own library's ways; every peer is offered
 * the same group, version and suite, and no session is ever resumed.
 */
#ifndef KTLSD_BENCH_CLIENT_H
#define KTLSD_BENCH_CLIENT_H

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENT_NS_PER_S UINT64_C(1000000000)

static inline uint64_t client_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * CLIENT_NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Parses ADDRESS (IPv4) and PORT, or ends the program. */
static inline struct sockaddr_in client_address(const char *address, const char *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };

	if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
		errx(2, "%s: no IPv4 address", address);
	return in;
}

static inline uint64_t client_number(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (end == text || *end)
		errx(2, "'%s' is no number", text);
	return n;
}

static inline void client_use_all_descriptors(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		err(1, "getrlimit");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "setrlimit");
}

/*
 * A context for `version` ("1.2" or "1.3") and `suite` in OpenSSL's words. Certificates are parsed and
 * their signatures over the handshake checked, as OpenSSL cannot do without; chains are not verified.
 */
static inline SSL_CTX *client_context(const char *version, const char *suite)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	bool old = !strcmp(version, "1.2");
	int number = old ? TLS1_2_VERSION : TLS1_3_VERSION;

	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, number) ||
	    !SSL_CTX_set_max_proto_version(ctx, number) ||
	    !SSL_CTX_set1_groups_list(ctx, "X25519") ||
	    !(old ? SSL_CTX_set_cipher_list(ctx, suite) : SSL_CTX_set_ciphersuites(ctx, suite)))
		errx(1, "no TLS context for %s %s", version, suite);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
	return ctx;
}

/* A socket that `flags` make and that is connecting to `to`. */
static inline int client_dial(const struct sockaddr_in *to, int flags)
{
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) && errno != EINPROGRESS)
		err(1, "connect");
	return fd;
}

/* How much of an answer with Content-Length has come. To be zeroed before each answer. */
struct client_answer {
	char head[1024];
	size_t head_len;
	bool has_head;
	uint64_t len;  /* of the whole answer, once there is the head */
	uint64_t left; /* of that, what is missing */
};

/* Takes n bytes of the answer: 1 when it is complete, 0 when not yet, -1 if it is not a good one. */
static inline int client_answer_take(struct client_answer *a, const char *p, size_t n)
{
	const char *end, *length;
	size_t fits = sizeof(a->head) - 1 - a->head_len, used = n < fits ? n : fits;

	if (a->has_head) {
		a->left -= n < a->left ? n : a->left;
		return a->left == 0;
	}
	memcpy(a->head + a->head_len, p, used);
	a->head_len += used;
	a->head[a->head_len] = '\0';
	end = strstr(a->head, "\r\n\r\n");
	if (!end)
		return a->head_len == sizeof(a->head) - 1 ? -1 : 0;
	length = strcasestr(a->head, "\r\nContent-Length:");
	if (strncmp(a->head, "HTTP/1.1 20", 11) != 0 || !length || length > end)
		return -1;
	a->has_head = true;
	a->len = (uint64_t)(end + 4 - a->head) + strtoull(length + 17, NULL, 10);
	a->left = a->len - (a->head_len + (n - used));
	return a->left == 0;
}

#endif
