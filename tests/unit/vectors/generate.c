/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes openssl.inc: what OpenSSL makes of every row of the suite table, for the tests of keys,
 * aead and record. Builds records by itself; of the project it knows the suite table alone.
 *
 *   cc -I../../../daemon -o generate generate.c -lcrypto && ./generate > openssl.inc
 */
#include <err.h>
#include <linux/tls.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/sha.h>

enum { TAG_LEN = 16, TLS12 = 0x0303, TLS13 = 0x0304, HEX_MAX = 64, BUFFER_LEN = 20000 };
enum aead { AEAD_GCM, AEAD_CCM, AEAD_CHACHA };

struct suite {
	unsigned int id, version;
	enum aead aead;
	size_t key_len, hash_len;
};

static const struct suite suites[] = {
#define SUITE(id, name, wolfssl, version, kernel, label, aead, key, hash, limit) \
	{ id, version, aead, key, hash },
#include "base/suite.def"
#undef SUITE
};

/* Secret, key and IV of a suite; for TLS 1.2 there is no secret. */
struct material {
	uint8_t secret[48], key[32], iv[12];
};

static const EVP_CIPHER *cipher_of(const struct suite *s)
{
	if (s->aead == AEAD_CHACHA)
		return EVP_chacha20_poly1305();
	if (s->aead == AEAD_CCM)
		return EVP_aes_128_ccm();
	return s->key_len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
}

static void must(int ok, const char *what)
{
	if (ok <= 0)
		errx(1, "%s", what);
}

/* out: len bytes of ciphertext and the tag. */
static void seal(const struct suite *s, const uint8_t *key, const uint8_t nonce[12],
		 const uint8_t *aad, size_t aad_len, const uint8_t *in, size_t len, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	must(EVP_EncryptInit_ex(c, cipher_of(s), NULL, NULL, NULL), "init");
	must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL), "IV length");
	if (s->aead == AEAD_CCM)
		must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, NULL), "tag length");
	must(EVP_EncryptInit_ex(c, NULL, NULL, key, nonce), "key");
	if (s->aead == AEAD_CCM)
		must(EVP_EncryptUpdate(c, NULL, &n, NULL, (int)len), "length");
	if (aad_len)
		must(EVP_EncryptUpdate(c, NULL, &n, aad, (int)aad_len), "AAD");
	if (len || s->aead == AEAD_CCM)
		must(EVP_EncryptUpdate(c, out, &n, in, (int)len), "plaintext");
	must(EVP_EncryptFinal_ex(c, out + len, &n), "final");
	must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, out + len), "tag");
	EVP_CIPHER_CTX_free(c);
}

static void expand(const struct suite *s, const uint8_t *secret, const char *label, uint8_t *out,
		   size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
	EVP_KDF_CTX *c = EVP_KDF_CTX_new(kdf);
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	const char *digest = s->hash_len == 48 ? "SHA384" : "SHA256";
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, s->hash_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, (void *)"tls13 ", 6),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (void *)label,
						  strlen(label)),
		OSSL_PARAM_construct_end(),
	};

	must(EVP_KDF_derive(c, out, len, p), label);
	EVP_KDF_CTX_free(c);
	EVP_KDF_free(kdf);
}

static void derive(const struct suite *s, struct material *m)
{
	expand(s, m->secret, "key", m->key, s->key_len);
	expand(s, m->secret, "iv", m->iv, sizeof(m->iv));
}

static struct material material_of(const struct suite *s)
{
	struct material m = { 0 };

	for (size_t i = 0; i < s->hash_len; i++)
		m.secret[i] = (uint8_t)(s->id + 13 * i);
	if (s->version == TLS13) {
		derive(s, &m);
		return m;
	}
	memset(m.secret, 0, sizeof(m.secret));
	for (size_t i = 0; i < s->key_len; i++)
		m.key[i] = (uint8_t)(s->id + 17 * i);
	for (size_t i = 0; i < (s->aead == AEAD_CHACHA ? 12 : 4); i++)
		m.iv[i] = (uint8_t)(s->id + 29 * i + 1);
	return m;
}

static void put_be(uint8_t *p, uint64_t v, int len)
{
	for (int i = len - 1; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static void print_hex(const uint8_t *p, size_t len)
{
	putchar('"');
	for (size_t i = 0; i < len; i++)
		printf("%02x", p[i]);
	putchar('"');
}

static void print_sha256(const uint8_t *p, size_t len)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	print_hex(SHA256(p, len, digest), sizeof(digest));
}

/* The plaintext of every vector. */
static void fill(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 31 + (i >> 8));
}

static void print_suite(const struct suite *s)
{
	struct material m = material_of(s), next = { 0 };

	printf("\t{ 0x%04x, ", s->id);
	print_hex(m.secret, s->version == TLS13 ? s->hash_len : 0);
	printf(",\n\t  ");
	print_hex(m.key, s->key_len);
	printf(", ");
	print_hex(m.iv, sizeof(m.iv));
	if (s->version == TLS13) {
		expand(s, m.secret, "traffic upd", next.secret, s->hash_len);
		derive(s, &next);
	}
	printf(",\n\t  ");
	print_hex(next.secret, s->version == TLS13 ? s->hash_len : 0);
	printf(",\n\t  ");
	print_hex(next.key, s->version == TLS13 ? s->key_len : 0);
	printf(", ");
	print_hex(next.iv, s->version == TLS13 ? sizeof(next.iv) : 0);
	puts(" },");
}

static void print_aead(const struct suite *s, size_t aad_len, size_t len)
{
	static uint8_t in[BUFFER_LEN], out[BUFFER_LEN];
	struct material m = material_of(s);
	uint8_t nonce[12], aad[13];

	memset(nonce, 0x5a, sizeof(nonce));
	for (size_t i = 0; i < sizeof(aad); i++)
		aad[i] = (uint8_t)(0xf0 - i);
	fill(in, len);
	seal(s, m.key, nonce, aad, aad_len, in, len, out);
	printf("\t{ 0x%04x, %zu, %zu, ", s->id, aad_len, len);
	print_sha256(out, len + TAG_LEN);
	puts(" },");
}

/* The whole record: RFC 8446 5.2 and 5.3, RFC 5288 3, RFC 6655 3, RFC 7905 2. */
static size_t build_record(const struct suite *s, uint64_t seq, uint64_t explicit_nonce,
			   uint8_t type, size_t len, uint8_t *out)
{
	static uint8_t in[BUFFER_LEN];
	struct material m = material_of(s);
	size_t explicit_len = s->version == TLS12 && s->aead != AEAD_CHACHA ? 8 : 0;
	size_t in_len = s->version == TLS13 ? len + 1 : len;
	size_t body = explicit_len + in_len + TAG_LEN;
	uint8_t nonce[12], aad[13], seq_bytes[8];

	fill(in, len);
	in[len] = type;
	out[0] = s->version == TLS13 ? 23 : type;
	put_be(out + 1, 0x0303, 2);
	put_be(out + 3, body, 2);
	put_be(seq_bytes, seq, 8);
	put_be(out + 5, explicit_nonce, (int)explicit_len);
	memcpy(nonce, m.iv, 12);
	if (explicit_len)
		memcpy(nonce + 4, out + 5, 8);
	for (int i = 0; i < 8 && !explicit_len; i++)
		nonce[4 + i] ^= seq_bytes[i];
	memcpy(aad, seq_bytes, 8);
	aad[8] = type;
	put_be(aad + 9, 0x0303, 2);
	put_be(aad + 11, len, 2);
	if (s->version == TLS13)
		seal(s, m.key, nonce, out, 5, in, in_len, out + 5);
	else
		seal(s, m.key, nonce, aad, sizeof(aad), in, in_len, out + 5 + explicit_len);
	return 5 + body;
}

static void print_record(const struct suite *s, uint64_t seq, uint64_t explicit_nonce, uint8_t type,
			 size_t len)
{
	static uint8_t out[BUFFER_LEN];
	size_t n = build_record(s, seq, explicit_nonce, type, len, out);

	printf("\t{ 0x%04x, 0x%016llx, 0x%016llx, %u, %zu,\n\t  ", s->id, (unsigned long long)seq,
	       (unsigned long long)explicit_nonce, type, len);
	print_sha256(out, n);
	printf(",\n\t  ");
	print_hex(out, n < HEX_MAX ? n : 0);
	puts(" },");
}

static void print_records(const struct suite *s)
{
	print_record(s, 0, 0, 23, 0);
	print_record(s, 1, 1, 23, 1);
	print_record(s, 2, UINT32_MAX, 21, 2);
	print_record(s, UINT32_MAX, 0x123456789abcdef0, 22, 5);
	print_record(s, UINT64_C(1) << 32, UINT64_C(1) << 32, 23, 16);
	print_record(s, 0xffffffffffff, UINT64_MAX - 1, 99, 17);
	print_record(s, UINT64_C(1) << 48, UINT64_MAX, 23, 1000);
	print_record(s, UINT64_MAX - 2, 0xff, 23, 16383);
	print_record(s, UINT64_MAX - 1, 0x100, 23, 16384);
}

int main(void)
{
	static const size_t lens[] = { 0, 1, 15, 16, 17, 255, 16385 };
	const size_t n_suites = sizeof(suites) / sizeof(*suites);

	puts("/* Written by generate.c with OpenSSL; do not edit. */");
	puts("\nconst struct suite_vector suite_vectors[] = {");
	for (size_t i = 0; i < n_suites; i++)
		print_suite(&suites[i]);
	puts("};\n\nconst struct aead_vector aead_vectors[] = {");
	for (size_t i = 0; i < n_suites && suites[i].version == TLS13; i++)
		for (size_t j = 0; j < sizeof(lens) / sizeof(*lens); j++)
			for (size_t aad_len = 0; aad_len <= 13; aad_len += aad_len ? 8 : 5)
				print_aead(&suites[i], aad_len, lens[j]);
	puts("};\n\nconst struct record_vector record_vectors[] = {");
	for (size_t i = 0; i < n_suites; i++)
		print_records(&suites[i]);
	puts("};");
	return 0;
}
