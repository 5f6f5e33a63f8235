/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TLS client's connection, one a process: OpenSSL makes the handshake, then every record is made and
 * opened by hand. Says on stdout what comes.
 */
#ifndef KTLSD_TESTS_PEER_H
#define KTLSD_TESTS_PEER_H

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "schedule.h"
#include "seal.h"

static struct {
	int fd;
	SSL *ssl;
	struct schedule keys;
	bool has_keys;
} peer = { .fd = -1 };

static struct {
	int version;
	const char *cipher, *groups;
} peer_options = { .version = TLS1_3_VERSION };

/* ---- bytes ---- */

/* What the daemon has closed is no failure: the steps after it show how. */
static inline void peer_send(const void *p, size_t len)
{
	const uint8_t *at = p;

	while (len) {
		ssize_t n = send(peer.fd, at, len, MSG_NOSIGNAL);

		if (n < 0)
			return;
		at += n;
		len -= (size_t)n;
	}
}

static inline void peer_print_hex(const char *name, const uint8_t *p, size_t len)
{
	printf("%s ", name);
	for (size_t i = 0; i < len; i++)
		printf("%02x", p[i]);
	putchar('\n');
}

/* ---- the connection ---- */

static inline void peer_dial(const char *address, const char *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	int on = 1;

	peer.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (peer.fd < 0 || inet_pton(AF_INET, address, &in.sin_addr) != 1 ||
	    connect(peer.fd, (struct sockaddr *)&in, sizeof(in)))
		err(1, "%s:%s", address, port);
	setsockopt(peer.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Prints alerts that come during the handshake. */
static inline void peer_note_alert(const SSL *ssl, int where, int what)
{
	(void)ssl;
	if (where == SSL_CB_READ_ALERT)
		printf("alert %d %d\n", what >> 8, what & 0xff);
}

static inline SSL *peer_new_ssl(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;

	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, peer_options.version) ||
	    !SSL_CTX_set_max_proto_version(ctx, peer_options.version))
		errx(1, "SSL_CTX");
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_keylog_callback(ctx, schedule_keylog);
	SSL_CTX_set_info_callback(ctx, peer_note_alert);
	if (peer_options.cipher && !(peer_options.version == TLS1_3_VERSION ?
					     SSL_CTX_set_ciphersuites(ctx, peer_options.cipher) :
					     SSL_CTX_set_cipher_list(ctx, peer_options.cipher)))
		errx(2, "%s: no such cipher", peer_options.cipher);
	if (peer_options.groups && !SSL_CTX_set1_groups_list(ctx, peer_options.groups))
		errx(2, "%s: no such groups", peer_options.groups);
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	if (!ssl)
		errx(1, "SSL");
	return ssl;
}

static inline void peer_handshake(void)
{
	peer.ssl = peer_new_ssl();
	SSL_set_fd(peer.ssl, peer.fd);
	if (SSL_connect(peer.ssl) != 1) {
		puts("handshake failed");
		return;
	}
	schedule_take(&peer.keys, peer.ssl);
	peer.has_keys = true;
}

static inline void peer_need_keys(void)
{
	if (!peer.has_keys)
		errx(1, "the handshake has failed");
}

/* ---- records out ---- */

static uint8_t peer_record[SEAL_RECORD_MAX];

static inline size_t peer_make(uint8_t type, const void *data, size_t len)
{
	size_t total;

	peer_need_keys();
	total = seal_make(&peer.keys.client.seal, type, data, len, peer_record);
	if (!total)
		errx(1, "cannot seal");
	return total;
}

static inline void peer_put(uint8_t type, const void *data, size_t len)
{
	size_t total = peer_make(type, data, len);

	peer_send(peer_record, total);
}

/* ---- records in ---- */

static struct {
	EVP_MD_CTX *digest;
	uint64_t len;
	FILE *copy; /* where it is written to besides, or NULL */
} peer_came;

/* What peer_print_data() has printed last. */
static struct {
	uint64_t len;
	uint8_t hash[EVP_MAX_MD_SIZE];
} peer_printed;

static inline void peer_take_data(const uint8_t *p, size_t len)
{
	if (!peer_came.digest) {
		peer_came.digest = EVP_MD_CTX_new();
		EVP_DigestInit_ex(peer_came.digest, EVP_sha256(), NULL);
	}
	EVP_DigestUpdate(peer_came.digest, p, len);
	if (peer_came.copy && fwrite(p, 1, len, peer_came.copy) != len)
		err(1, "the copy");
	peer_came.len += len;
}

static inline void peer_print_data(void)
{
	char label[64];
	unsigned int n;

	if (!peer_came.len)
		return;
	EVP_DigestFinal_ex(peer_came.digest, peer_printed.hash, &n);
	peer_printed.len = peer_came.len;
	snprintf(label, sizeof(label), "data %llu", (unsigned long long)peer_came.len);
	peer_print_hex(label, peer_printed.hash, n);
	EVP_MD_CTX_free(peer_came.digest);
	peer_came.digest = NULL;
	peer_came.len = 0;
}

/* Reads exactly that: false at the connection's end, having said which. */
static inline bool peer_receive(uint8_t *p, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = recv(peer.fd, p + got, len - got, 0);

		if (n > 0) {
			got += (size_t)n;
			continue;
		}
		peer_print_data();
		if (got)
			printf("bytes %zu\n", got);
		puts(n ? "reset" : "eof");
		return false;
	}
	return true;
}

static inline void peer_take_handshake(const uint8_t *p)
{
	if (p[0] != 24)
		return; /* a ticket */
	puts("update");
	schedule_update(&peer.keys, &peer.keys.server);
}

/* One record: false when there are no more. */
static inline bool peer_get(void)
{
	uint8_t *data, type;
	size_t body, len;

	if (!peer_receive(peer_record, SEAL_HEADER_LEN))
		return false;
	body = (size_t)peer_record[3] << 8 | peer_record[4];
	if (body > sizeof(peer_record) - SEAL_HEADER_LEN)
		errx(1, "a record of %zu bytes", body);
	if (!peer_receive(peer_record + SEAL_HEADER_LEN, body))
		return false;
	if (!peer.has_keys) {
		printf("%s %d %d\n", peer_record[0] == SEAL_ALERT ? "alert" : "record",
		       peer_record[SEAL_HEADER_LEN], peer_record[SEAL_HEADER_LEN + 1]);
		return true;
	}
	if (seal_open(&peer.keys.server.seal, peer_record, SEAL_HEADER_LEN + body, &type, &data,
		      &len))
		errx(1, "a record does not decrypt");
	if (type == SEAL_DATA) {
		peer_take_data(data, len);
	} else if (type == SEAL_HANDSHAKE) {
		peer_take_handshake(data);
	} else {
		peer_print_data();
		printf("%s %d %d\n", type == SEAL_ALERT ? "alert" : "record", data[0], data[1]);
	}
	return true;
}

static inline void peer_read(uint64_t enough)
{
	while (peer_came.len < enough && peer_get())
		;
	peer_print_data();
}

#endif
