/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The AEADs: vectors of their specifications and of OpenSSL, forgeries, the cache of schedules. */
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
#include "vectors/vectors.h"

enum { LEN_MAX = 16385, AAD_MAX = 13 };

static const uint8_t nonce_5a[12] = { 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a,
				      0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a };

static void fill_aad(uint8_t aad[static AAD_MAX])
{
	for (size_t i = 0; i < AAD_MAX; i++)
		aad[i] = (uint8_t)(0xf0 - i);
}

static void openssl_vectors(void **state)
{
	static uint8_t buf[LEN_MAX + AEAD_TAG_LEN], plain[LEN_MAX];
	uint8_t aad[AAD_MAX];

	(void)state;
	fill_aad(aad);
	vector_fill(plain, sizeof(plain));
	assert_true(n_aead_vectors > 50);
	for (size_t i = 0; i < n_aead_vectors; i++) {
		const struct aead_vector *v = &aead_vectors[i];
		struct keys *k = vector_keys(v->suite);

		memcpy(buf, plain, v->len);
		assert_int_equal(aead_seal(k, nonce_5a, aad, v->aad_len, buf, v->len), 0);
		assert_sha256(buf, v->len + AEAD_TAG_LEN, v->sha256);
		assert_int_equal(aead_open(k, nonce_5a, aad, v->aad_len, buf, v->len), 0);
		assert_memory_equal(buf, plain, v->len);
		keys_free(k);
	}
}

/* RFC 8439 2.8.2; McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 4 and 16. */
static void specification_vectors(void **state)
{
	static const struct {
		uint16_t suite;
		const char *key, *nonce, *aad, *plain, *sealed;
	} vectors[] = {
		{ 0x1303, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
		  "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
		  "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
		  "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
		  "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
		  "637265656e20776f756c642062652069742e",
		  "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
		  "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
		  "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
		  "3ff4def08e4b7a9de576d26586cec64b6116"
		  "1ae10b594f09e26a7e902ecbd0600691" },
		{ 0x1301, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
		  "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		  "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
		  "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
		  "5bc94fbc3221a5db94fae95ae7121a47" },
		{ 0x1302, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		  "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		  "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
		  "76fc6ece0f4e1768cddf8853bb2d551b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct keys *k = keys_new();
		uint8_t nonce[12], aad[32], buf[256];
		size_t aad_len, len;

		k->suite = suite_find(vectors[i].suite);
		hex_decode(vectors[i].key, k->key, sizeof(k->key));
		hex_decode(vectors[i].nonce, nonce, sizeof(nonce));
		aad_len = hex_decode(vectors[i].aad, aad, sizeof(aad));
		len = hex_decode(vectors[i].plain, buf, sizeof(buf));
		assert_int_equal(aead_seal(k, nonce, aad, aad_len, buf, len), 0);
		assert_hex(buf, len + AEAD_TAG_LEN, vectors[i].sealed);
		assert_int_equal(aead_open(k, nonce, aad, aad_len, buf, len), 0);
		assert_hex(buf, len, vectors[i].plain);
		keys_free(k);
	}
}

static const uint16_t suites[] = { 0x1301, 0x1302, 0x1303, 0x1304 };

/* One bit wrong anywhere in ciphertext, tag, AAD or nonce. */
static void forgeries(void **state)
{
	enum { LEN = 33 };
	uint8_t good[LEN + AEAD_TAG_LEN], buf[sizeof(good)], aad[AAD_MAX], nonce[12];

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(suites); s++) {
		struct keys *k = vector_keys(suites[s]);

		fill_aad(aad);
		memcpy(nonce, nonce_5a, sizeof(nonce));
		vector_fill(good, LEN);
		assert_int_equal(aead_seal(k, nonce, aad, AAD_MAX, good, LEN), 0);
		for (size_t i = 0; i < sizeof(good); i++) {
			memcpy(buf, good, sizeof(good));
			buf[i] ^= (uint8_t)(1 << i % 8);
			assert_int_equal(aead_open(k, nonce, aad, AAD_MAX, buf, LEN), -EBADMSG);
		}
		for (size_t i = 0; i < AAD_MAX + sizeof(nonce); i++) {
			uint8_t *p = i < AAD_MAX ? &aad[i] : &nonce[i - AAD_MAX];

			memcpy(buf, good, sizeof(good));
			*p ^= 0x80;
			assert_int_equal(aead_open(k, nonce, aad, AAD_MAX, buf, LEN), -EBADMSG);
			*p ^= 0x80;
		}
		assert_int_equal(aead_open(k, nonce, aad, AAD_MAX, good, LEN), 0);
		keys_free(k);
	}
}

/* More keys than slots, used in turns, some forgotten in between: each still is itself. */
static void cache_holds_no_stranger(void **state)
{
	enum { N_KEYS = 40, N_ROUNDS = 5, LEN = 20 };
	struct keys *keys[N_KEYS];
	uint8_t first[N_KEYS][LEN + AEAD_TAG_LEN], buf[LEN + AEAD_TAG_LEN];

	(void)state;
	for (int i = 0; i < N_KEYS; i++) {
		keys[i] = vector_keys(suites[i % 4]);
		keys[i]->key[0] = (uint8_t)i;
	}
	for (int round = 0; round < N_ROUNDS; round++) {
		for (int i = 0; i < N_KEYS; i++) {
			vector_fill(buf, LEN);
			assert_int_equal(aead_seal(keys[i], nonce_5a, NULL, 0, buf, LEN), 0);
			if (!round)
				memcpy(first[i], buf, sizeof(buf));
			assert_memory_equal(buf, first[i], sizeof(buf));
			if ((i + round) % 3 == 0)
				aead_forget(keys[i]);
		}
		if (round == 2)
			aead_thread_fini();
	}
	for (int i = 0; i < N_KEYS; i++) {
		aead_forget(keys[i]);
		keys_free(keys[i]);
	}
	aead_forget(NULL);
	aead_thread_fini();
	aead_thread_fini();
}

static void random_bytes(void **state)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	assert_int_equal(aead_random(a, sizeof(a)), 0);
	assert_int_equal(aead_random(b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(openssl_vectors), cmocka_unit_test(specification_vectors),
		cmocka_unit_test(forgeries),	   cmocka_unit_test(cache_holds_no_stranger),
		cmocka_unit_test(random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
