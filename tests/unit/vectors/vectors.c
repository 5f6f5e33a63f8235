/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The vectors and their words. */
#include "vectors/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "sha256.h"

#include "vectors/openssl.inc"

const size_t n_suite_vectors = ARRAY_SIZE(suite_vectors);
const size_t n_aead_vectors = ARRAY_SIZE(aead_vectors);
const size_t n_record_vectors = ARRAY_SIZE(record_vectors);

const struct suite_vector *vector_of_suite(uint16_t suite)
{
	for (size_t i = 0; i < n_suite_vectors; i++)
		if (suite_vectors[i].suite == suite)
			return &suite_vectors[i];
	fail_msg("no vector for suite 0x%04x: run generate.c again", suite);
	return NULL;
}

struct keys *vector_keys(uint16_t suite)
{
	const struct suite_vector *v = vector_of_suite(suite);
	struct keys *k = keys_new();

	assert_non_null(k);
	k->suite = suite_find(suite);
	assert_non_null(k->suite);
	hex_decode(v->secret, k->secret, sizeof(k->secret));
	hex_decode(v->key, k->key, sizeof(k->key));
	hex_decode(v->iv, k->iv, sizeof(k->iv));
	return k;
}

void vector_fill(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 31 + (i >> 8));
}

size_t hex_decode(const char *hex, uint8_t *out, size_t cap)
{
	size_t n = strlen(hex) / 2;

	assert_true(n <= cap && !(strlen(hex) % 2));
	for (size_t i = 0; i < n; i++) {
		unsigned int byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		out[i] = (uint8_t)byte;
	}
	return n;
}

void assert_hex(const uint8_t *p, size_t len, const char *hex)
{
	uint8_t want[1024];

	assert_int_equal(hex_decode(hex, want, sizeof(want)), len);
	assert_memory_equal(p, want, len);
}

void assert_sha256(const uint8_t *p, size_t len, const char *hex)
{
	uint8_t got[SHA256_LEN];

	sha256_of(p, len, got);
	assert_hex(got, sizeof(got), hex);
}
