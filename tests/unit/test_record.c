/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sealing and opening one record: vectors, padding, limits, forgeries. No socket here. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/keys.h"
#include "base/util.h"
#include "tls/aead.h"
#include "tls/record.h"
#include "vectors/rfc8448.h"
#include "vectors/vectors.h"

enum { BUFFER_LEN = 18000 };

static uint8_t plain[BUFFER_LEN], wire[BUFFER_LEN];

/* Seals plain[0 .. len) into wire; gives the record's length. */
static size_t seal(struct keys *k, uint8_t type, size_t len)
{
	ssize_t n;

	memcpy(wire + record_headroom(k->suite), plain, len);
	n = record_seal(k, type, wire, len);
	assert_true(n > 0);
	return (size_t)n;
}

static void assert_opens(struct keys *k, size_t record_len, uint8_t type, size_t len)
{
	uint8_t got_type = 0;
	size_t off = 0;

	assert_int_equal(record_open(k, wire, record_len, &got_type, &off), len);
	assert_int_equal(got_type, type);
	assert_memory_equal(wire + off, plain, len);
}

/* The record at wire is refused, and refusing it leaves the keys as they were. */
static int open_refused(struct keys *k, size_t record_len)
{
	struct keys before = *k;
	uint8_t type;
	size_t off;
	ssize_t r = record_open(k, wire, record_len, &type, &off);

	assert_true(r < 0);
	assert_memory_equal(k, &before, sizeof(before));
	return (int)r;
}

struct trace_record {
	uint8_t type;
	const char *plain, *record;
};

static void follow_trace(const char *secret, const struct trace_record *records, size_t n)
{
	struct keys *tx = keys_new(), *rx = keys_new();

	tx->suite = rx->suite = suite_find(0x1301);
	hex_decode(secret, tx->secret, sizeof(tx->secret));
	memcpy(rx->secret, tx->secret, sizeof(rx->secret));
	assert_int_equal(aead_derive(tx), 0);
	assert_int_equal(aead_derive(rx), 0);
	for (size_t i = 0; i < n; i++) {
		size_t len = hex_decode(records[i].plain, plain, sizeof(plain));
		size_t record_len = seal(tx, records[i].type, len);

		assert_hex(wire, record_len, records[i].record);
		assert_opens(rx, record_len, records[i].type, len);
	}
	keys_free(tx);
	keys_free(rx);
}

static void rfc8448_trace(void **state)
{
	static const struct trace_record client[] = {
		{ RECORD_DATA, RFC8448_DATA, RFC8448_CLIENT_DATA_RECORD },
		{ RECORD_ALERT, RFC8448_CLOSE_NOTIFY, RFC8448_CLIENT_ALERT_RECORD },
	};
	static const struct trace_record server[] = {
		{ RECORD_HANDSHAKE, RFC8448_TICKET, RFC8448_TICKET_RECORD },
		{ RECORD_DATA, RFC8448_DATA, RFC8448_SERVER_DATA_RECORD },
		{ RECORD_ALERT, RFC8448_CLOSE_NOTIFY, RFC8448_SERVER_ALERT_RECORD },
	};

	(void)state;
	follow_trace(RFC8448_CLIENT_SECRET, client, ARRAY_SIZE(client));
	follow_trace(RFC8448_SERVER_SECRET, server, ARRAY_SIZE(server));
}

static void openssl_vectors(void **state)
{
	(void)state;
	vector_fill(plain, sizeof(plain));
	for (size_t i = 0; i < n_record_vectors; i++) {
		const struct record_vector *v = &record_vectors[i];
		struct keys *k = vector_keys(v->suite);
		size_t n;

		k->seq = v->seq;
		k->nonce = v->nonce;
		n = seal(k, v->type, v->len);
		assert_sha256(wire, n, v->sha256);
		assert_int_equal(k->seq, v->seq + 1);
		assert_int_equal(k->nonce, v->nonce + !!suite_explicit_nonce_len(k->suite));
		if (*v->record) /* what is opened is OpenSSL's own */
			assert_int_equal(hex_decode(v->record, wire, sizeof(wire)), n);
		k->seq = v->seq;
		k->nonce = 77;
		assert_opens(k, n, v->type, v->len);
		assert_int_equal(k->seq, v->seq + 1);
		assert_int_equal(k->nonce, 77); /* the wire says it */
		keys_free(k);
	}
}

/* A bit of every byte of the record wrong, one after the other. */
static void one_bit_wrong(void **state)
{
	uint8_t good[256];

	(void)state;
	for (size_t s = 0; s < n_suite_vectors; s++) {
		struct keys *k = vector_keys(suite_vectors[s].suite);
		size_t n = seal(k, RECORD_DATA, 40);

		memcpy(good, wire, n);
		k->seq = 0;
		for (size_t i = 0; i < n; i++) {
			bool outer_type = i == 0 && k->suite->version == TLS13;
			int r;

			memcpy(wire, good, n);
			wire[i] ^= (uint8_t)(1 << i % 8);
			r = open_refused(k, n);
			if (outer_type || i == 1 || i == 2)
				assert_int_equal(r, -EINVAL);
			else if (i == 3)
				assert_true(r == -EINVAL || r == -EMSGSIZE);
			else
				assert_int_equal(r, i == 4 ? -EINVAL : -EBADMSG);
		}
		memcpy(wire, good, n);
		assert_opens(k, n, RECORD_DATA, 40);
		keys_free(k);
	}
}

/* Cut off anywhere: as it is, and with a header that admits it. */
static void truncated(void **state)
{
	uint8_t good[256];

	(void)state;
	for (size_t s = 0; s < n_suite_vectors; s++) {
		struct keys *k = vector_keys(suite_vectors[s].suite);
		size_t n = seal(k, RECORD_DATA, 40);

		memcpy(good, wire, n);
		k->seq = 0;
		for (size_t len = 0; len < n; len++) {
			memcpy(wire, good, n);
			assert_int_equal(open_refused(k, len), -EINVAL);
			if (len < RECORD_HEADER_LEN)
				continue;
			memcpy(wire, good, n);
			be16_put(wire + 3, (uint16_t)(len - RECORD_HEADER_LEN));
			assert_int_equal(open_refused(k, len), -EBADMSG);
		}
		keys_free(k);
	}
}

/* Twice, out of order, under the keys of another direction. */
static void replayed(void **state)
{
	uint8_t first[256], second[256];

	(void)state;
	for (size_t s = 0; s < n_suite_vectors; s++) {
		struct keys *tx = vector_keys(suite_vectors[s].suite);
		struct keys *rx = vector_keys(suite_vectors[s].suite);
		size_t n = seal(tx, RECORD_DATA, 30);

		memcpy(first, wire, n);
		assert_int_equal(seal(tx, RECORD_DATA, 30), n);
		memcpy(second, wire, n);
		assert_memory_not_equal(first, second, n);
		assert_int_equal(open_refused(rx, n), -EBADMSG);
		memcpy(wire, first, n);
		assert_opens(rx, n, RECORD_DATA, 30);
		memcpy(wire, first, n);
		assert_int_equal(open_refused(rx, n), -EBADMSG);
		memcpy(wire, second, n);
		assert_opens(rx, n, RECORD_DATA, 30);
		keys_free(tx);
		keys_free(rx);
	}
}

/* A TLS 1.3 record of len bytes of plain, that type, then n_zeros bytes of padding. */
static size_t seal_padded(struct keys *k, uint8_t type, size_t len, size_t n_zeros)
{
	size_t inner = len + 1 + n_zeros;
	uint8_t nonce[12];

	assert_int_equal(k->suite->version, TLS13);
	assert_int_equal(k->seq, 0); /* so the nonce is the IV */
	memcpy(nonce, k->iv, sizeof(nonce));
	wire[0] = RECORD_DATA;
	be16_put(wire + 1, 0x0303);
	be16_put(wire + 3, (uint16_t)(inner + AEAD_TAG_LEN));
	memcpy(wire + 5, plain, len);
	wire[5 + len] = type;
	memset(wire + 5 + len + 1, 0, n_zeros);
	assert_int_equal(aead_seal(k, nonce, wire, 5, wire + 5, inner), 0);
	return 5 + inner + AEAD_TAG_LEN;
}

static void padding(void **state)
{
	static const struct {
		uint8_t type;
		size_t len, n_zeros;
		int error;
	} rows[] = {
		{ RECORD_DATA, 10, 1, 0 },
		{ RECORD_DATA, 10, 255, 0 },
		{ RECORD_ALERT, 2, 16382, 0 },
		{ RECORD_DATA, 0, 0, 0 },
		{ RECORD_DATA, 0, 100, 0 },
		{ RECORD_DATA, 0, 16384, 0 },
		{ RECORD_DATA, 16384, 0, 0 },
		{ RECORD_DATA, 16384, 1, -EMSGSIZE }, /* RFC 8446 5.4 */
		{ RECORD_DATA, 1, 16384, -EMSGSIZE },
		{ RECORD_DATA, 16385, 0, -EMSGSIZE },
		{ RECORD_DATA, 16384, 300, -EMSGSIZE },
		{ 0, 0, 0, -EPROTO },
		{ 0, 0, 1, -EPROTO },
		{ 0, 0, 16384, -EPROTO },
	};

	(void)state;
	vector_fill(plain, sizeof(plain));
	for (size_t s = 0; s < n_suite_vectors; s++) {
		struct keys *k = vector_keys(suite_vectors[s].suite);

		for (size_t i = 0; k->suite->version == TLS13 && i < ARRAY_SIZE(rows); i++) {
			size_t n = seal_padded(k, rows[i].type, rows[i].len, rows[i].n_zeros);

			if (rows[i].error)
				assert_int_equal(open_refused(k, n), rows[i].error);
			else
				assert_opens(k, n, rows[i].type, rows[i].len);
			k->seq = 0;
		}
		keys_free(k);
	}
}

/* What only a TLS 1.2 peer can do: more plaintext than allowed, in a ciphertext that is not. */
static void overlong12(void **state)
{
	(void)state;
	for (size_t s = 0; s < n_suite_vectors; s++) {
		struct keys *k = vector_keys(suite_vectors[s].suite);

		if (k->suite->version == TLS12) {
			size_t n = seal(k, RECORD_DATA, 16385);

			k->seq = 0;
			assert_int_equal(open_refused(k, n), -EMSGSIZE);
		}
		keys_free(k);
	}
}

/* The header alone decides, whatever follows. */
static void headers(void **state)
{
	static const struct {
		uint8_t header[RECORD_HEADER_LEN];
		int error12, error13;
	} rows[] = {
		{ { 23, 3, 3, 0x40, 0x19 }, -EMSGSIZE, -EMSGSIZE }, /* one more than GCM can need */
		{ { 23, 3, 3, 0x40, 0x12 }, -EBADMSG, -EMSGSIZE },
		{ { 23, 3, 3, 0xff, 0xff }, -EMSGSIZE, -EMSGSIZE },
		{ { 23, 3, 3, 0, 0 }, -EBADMSG, -EBADMSG },
		{ { 23, 3, 3, 0, 16 }, -EBADMSG, -EBADMSG },
		{ { 23, 3, 1, 0, 60 }, -EINVAL, -EINVAL },
		{ { 23, 3, 4, 0, 60 }, -EINVAL, -EINVAL },
		{ { 23, 2, 3, 0, 60 }, -EINVAL, -EINVAL },
		{ { 20, 3, 3, 0, 60 }, -EBADMSG, -EINVAL },
		{ { 21, 3, 3, 0, 60 }, -EBADMSG, -EINVAL },
		{ { 22, 3, 3, 0, 60 }, -EBADMSG, -EINVAL },
		{ { 0, 3, 3, 0, 60 }, -EBADMSG, -EINVAL },
		{ { 'G', 'E', 'T', ' ', '/' }, -EINVAL, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct keys *k12 = vector_keys(0xc02b), *k13 = vector_keys(0x1301);
		size_t body = be16_get(rows[i].header + 3), n;

		n = RECORD_HEADER_LEN + MIN_OF(body, (size_t)17000);
		memset(wire, 0, n);
		memcpy(wire, rows[i].header, RECORD_HEADER_LEN);
		assert_int_equal(open_refused(k12, n), rows[i].error12);
		memset(wire, 0, n);
		memcpy(wire, rows[i].header, RECORD_HEADER_LEN);
		assert_int_equal(open_refused(k13, n), rows[i].error13);
		keys_free(k12);
		keys_free(k13);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc8448_trace), cmocka_unit_test(openssl_vectors),
		cmocka_unit_test(one_bit_wrong), cmocka_unit_test(truncated),
		cmocka_unit_test(replayed),	 cmocka_unit_test(padding),
		cmocka_unit_test(overlong12),	 cmocka_unit_test(headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
