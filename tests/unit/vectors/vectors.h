/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Test vectors of records and keys, and the words to use them with. Numbers of bytes are hex. */
#ifndef KTLSD_TESTS_VECTORS_H
#define KTLSD_TESTS_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/keys.h"

struct suite_vector {
	uint16_t suite;
	const char *secret, *key, *iv;		      /* TLS 1.2: no secret */
	const char *next_secret, *next_key, *next_iv; /* TLS 1.3: after one key update */
};

struct aead_vector {
	uint16_t suite;
	size_t aad_len, len;
	const char *sha256; /* of ciphertext and tag */
};

struct record_vector {
	uint16_t suite;
	uint64_t seq, nonce; /* nonce: the explicit one */
	uint8_t type;
	size_t len;
	const char *sha256; /* of the whole record */
	const char *record; /* the whole of a short one, else "" */
};

extern const struct suite_vector suite_vectors[];
extern const struct aead_vector aead_vectors[];
extern const struct record_vector record_vectors[];
extern const size_t n_suite_vectors, n_aead_vectors, n_record_vectors;

/* The vector of that suite; fails the test if there is none. */
const struct suite_vector *vector_of_suite(uint16_t suite);

/* New keys of that suite as OpenSSL was given them. */
struct keys *vector_keys(uint16_t suite);

/* The plaintext of every OpenSSL vector. */
void vector_fill(uint8_t *p, size_t len);

/* Decodes hex into at most cap bytes; gives their number. Fails the test if it cannot. */
size_t hex_decode(const char *hex, uint8_t *out, size_t cap);

/* Fails the test unless the bytes, or their SHA-256, are those. */
void assert_hex(const uint8_t *p, size_t len, const char *hex);
void assert_sha256(const uint8_t *p, size_t len, const char *hex);

#endif
