/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of a connection that OpenSSL has made, derived by hand (RFC 8446 7, RFC 5246 6.3): what
 * a test needs to go on with records of its own, or to look for the keys where they must not be.
 */
#ifndef KTLSD_TESTS_SCHEDULE_H
#define KTLSD_TESTS_SCHEDULE_H

#include <err.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "seal.h"

/* One direction. */
struct schedule_side {
	struct seal seal;
	uint8_t secret[48]; /* TLS 1.3 traffic secret */
};

struct schedule {
	const EVP_MD *hash;
	size_t hash_len;
	uint8_t master[48]; /* TLS 1.2 */
	struct schedule_side client, server;
};

/* Filled by schedule_keylog(): before the handshake there is nobody else to keep them. */
static struct schedule_log {
	char client[97], server[97]; /* hex */
} schedule_log;

/* For SSL_CTX_set_keylog_callback(): keeps the two traffic secrets of TLS 1.3. */
static inline void schedule_keylog(const SSL *ssl, const char *line)
{
	(void)ssl;
	sscanf(line, "CLIENT_TRAFFIC_SECRET_0 %*s %96s", schedule_log.client);
	sscanf(line, "SERVER_TRAFFIC_SECRET_0 %*s %96s", schedule_log.server);
}

/* HKDF-Expand-Label without context; `len` is at most a hash, so one round does. */
static inline void schedule_expand(const struct schedule *k, const uint8_t *secret,
				   const char *label, uint8_t *out, size_t len)
{
	uint8_t info[64], block[EVP_MAX_MD_SIZE];
	size_t label_len = strlen(label), n = 0;

	info[n++] = 0;
	info[n++] = (uint8_t)len;
	info[n++] = (uint8_t)(6 + label_len);
	memcpy(info + n, "tls13 ", 6);
	memcpy(info + n + 6, label, label_len);
	n += 6 + label_len;
	info[n++] = 0;
	info[n++] = 1; /* the round */
	if (!HMAC(k->hash, secret, (int)k->hash_len, info, n, block, NULL))
		errx(1, "HMAC");
	memcpy(out, block, len);
}

static inline void schedule_from_secret(const struct schedule *k, struct schedule_side *side)
{
	schedule_expand(k, side->secret, "key", side->seal.key, side->seal.c->key_len);
	schedule_expand(k, side->secret, "iv", side->seal.nonce, 12);
	side->seal.seq = 0;
}

/* The keys after a KeyUpdate. */
static inline void schedule_update(const struct schedule *k, struct schedule_side *side)
{
	uint8_t next[48];

	schedule_expand(k, side->secret, "traffic upd", next, k->hash_len);
	memcpy(side->secret, next, k->hash_len);
	schedule_from_secret(k, side);
}

static inline void schedule_unhex(const char *hex, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &out[i]) != 1)
			errx(1, "no traffic secret");
}

static inline void schedule_derive13(struct schedule *k)
{
	schedule_unhex(schedule_log.client, k->client.secret, k->hash_len);
	schedule_unhex(schedule_log.server, k->server.secret, k->hash_len);
	schedule_from_secret(k, &k->client);
	schedule_from_secret(k, &k->server);
}

static inline void schedule_prf(const struct schedule *k, const SSL *ssl, uint8_t *out, size_t len)
{
	uint8_t seed[13 + 2 * SSL3_RANDOM_SIZE] = "key expansion";
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
						 (char *)(uintptr_t)EVP_MD_get0_name(k->hash), 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET,
						  (void *)(uintptr_t)k->master, 48),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
		OSSL_PARAM_construct_end(),
	};

	SSL_get_server_random(ssl, seed + 13, SSL3_RANDOM_SIZE);
	SSL_get_client_random(ssl, seed + 13 + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);
	if (!ctx || EVP_KDF_derive(ctx, out, len, params) != 1)
		errx(1, "TLS1-PRF");
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

/* client key, server key, client IV, server IV; each Finished was record 0. */
static inline void schedule_derive12(struct schedule *k, const SSL *ssl)
{
	size_t key_len = k->client.seal.c->key_len, iv_len = k->client.seal.c->salt_len;
	uint8_t block[2 * (32 + 12)], *at = block;

	SSL_SESSION_get_master_key(SSL_get_session(ssl), k->master, sizeof(k->master));
	schedule_prf(k, ssl, block, 2 * (key_len + iv_len));
	memcpy(k->client.seal.key, at, key_len);
	memcpy(k->server.seal.key, at += key_len, key_len);
	memcpy(k->client.seal.nonce, at += key_len, iv_len);
	memcpy(k->server.seal.nonce, at + iv_len, iv_len);
	k->client.seal.seq = k->server.seal.seq = 1;
}

static inline const struct seal_cipher *schedule_cipher(const SSL *ssl)
{
	switch (SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(ssl))) {
	case NID_aes_128_gcm:
		return &seal_ciphers[0];
	case NID_aes_256_gcm:
		return &seal_ciphers[1];
	case NID_chacha20_poly1305:
		return &seal_ciphers[2];
	case NID_aes_128_ccm:
		return &seal_ciphers[3];
	default:
		errx(1, "no record of ours for %s", SSL_get_cipher(ssl));
	}
}

/* Takes over from OpenSSL right after its handshake. */
static inline void schedule_take(struct schedule *k, const SSL *ssl)
{
	*k = (struct schedule){ .hash = SSL_CIPHER_get_handshake_digest(
					SSL_get_current_cipher(ssl)) };
	k->hash_len = (size_t)EVP_MD_get_size(k->hash);
	k->client.seal.c = k->server.seal.c = schedule_cipher(ssl);
	k->client.seal.version = k->server.seal.version = (uint16_t)SSL_version(ssl);
	if (SSL_version(ssl) == TLS1_3_VERSION)
		schedule_derive13(k);
	else
		schedule_derive12(k, ssl);
}

#endif
