/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS records made and opened by hand with OpenSSL's AEADs (RFC 8446 5.2, RFC 5246 6.2.3.3). Shares
 * no code with the project.
 */
#ifndef KTLSD_TESTS_SEAL_H
#define KTLSD_TESTS_SEAL_H

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SEAL_TLS12 = 0x0303, SEAL_TLS13 = 0x0304 };
enum { SEAL_ALERT = 21, SEAL_HANDSHAKE = 22, SEAL_DATA = 23 };
enum { SEAL_HEADER_LEN = 5, SEAL_TAG_LEN = 16, SEAL_PLAIN_MAX = 16384 };
enum { SEAL_RECORD_MAX = SEAL_HEADER_LEN + 8 + SEAL_PLAIN_MAX + 1 + SEAL_TAG_LEN };

struct seal_cipher {
	const char *name;
	const EVP_CIPHER *(*evp)(void);
	bool is_ccm;
	size_t key_len, salt_len; /* of the nonce's 12 bytes, which are fixed in TLS 1.2 */
};

static const struct seal_cipher seal_ciphers[] = {
	{ "aes-gcm-128", EVP_aes_128_gcm, false, 16, 4 },
	{ "aes-gcm-256", EVP_aes_256_gcm, false, 32, 4 },
	{ "chacha20-poly1305", EVP_chacha20_poly1305, false, 32, 12 },
	{ "aes-ccm-128", EVP_aes_128_ccm, true, 16, 4 },
};
enum { SEAL_N_CIPHERS = sizeof(seal_ciphers) / sizeof(*seal_ciphers) };

/* One direction's protection. */
struct seal {
	const struct seal_cipher *c;
	uint16_t version;
	uint8_t key[32], nonce[12]; /* nonce: in TLS 1.2 the salt alone, but for ChaCha20 */
	uint64_t seq;
};

/* TLS 1.2 with GCM or CCM sends eight bytes of the nonce along. */
static inline size_t seal_explicit_len(const struct seal *s)
{
	return s->version == SEAL_TLS12 && s->c->salt_len == 4 ? 8 : 0;
}

static inline void seal_put_be64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* `sent` is the nonce's explicit part, where there is one. */
static inline void seal_nonce(const struct seal *s, const uint8_t *sent, uint8_t nonce[12])
{
	memcpy(nonce, s->nonce, 12);
	if (seal_explicit_len(s)) {
		memcpy(nonce + 4, sent, 8);
		return;
	}
	for (int i = 0; i < 8; i++)
		nonce[11 - i] ^= (uint8_t)(s->seq >> 8 * i);
}

static inline size_t seal_aad(const struct seal *s, uint8_t type, size_t plain_len, uint8_t aad[13])
{
	size_t len = s->version == SEAL_TLS13 ? plain_len + SEAL_TAG_LEN : plain_len;
	const uint8_t header[] = { s->version == SEAL_TLS13 ? SEAL_DATA : type, 3, 3,
				   (uint8_t)(len >> 8), (uint8_t)len };
	size_t at = 0;

	if (s->version == SEAL_TLS12) {
		seal_put_be64(aad, s->seq);
		at = 8;
	}
	memcpy(aad + at, header, sizeof(header));
	return at + sizeof(header);
}

/* Seals or opens `len` bytes at p, the tag behind them. 0 or EBADMSG. */
static inline int seal_crypt(const struct seal *s, bool seal, const uint8_t nonce[12],
			     const uint8_t *aad, size_t aad_len, uint8_t *p, size_t len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool sets_tag = !seal || s->c->is_ccm, ok;
	int n;

	ok = ctx && EVP_CipherInit_ex(ctx, s->c->evp(), NULL, NULL, NULL, seal) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) &&
	     (!sets_tag || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_LEN,
					       seal ? NULL : p + len)) &&
	     EVP_CipherInit_ex(ctx, NULL, NULL, s->key, nonce, seal) &&
	     (!s->c->is_ccm || EVP_CipherUpdate(ctx, NULL, &n, NULL, (int)len)) &&
	     EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_len) &&
	     EVP_CipherUpdate(ctx, p, &n, p, (int)len) == 1 &&
	     (s->c->is_ccm || EVP_CipherFinal_ex(ctx, p + len, &n) == 1) &&
	     (!seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_LEN, p + len));
	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : EBADMSG;
}

/*
 * Makes the next record, of up to SEAL_PLAIN_MAX bytes. Its length, or 0. The explicit nonce is the
 * sequence number, unlike OpenSSL's, which starts anywhere: good enough for keys of a test.
 */
static inline size_t seal_make(struct seal *s, uint8_t type, const void *data, size_t len,
			       uint8_t record[SEAL_RECORD_MAX])
{
	size_t explicit_len = seal_explicit_len(s), total, aad_len;
	uint8_t *body = record + SEAL_HEADER_LEN + explicit_len, nonce[12], aad[13];

	if (explicit_len)
		seal_put_be64(record + SEAL_HEADER_LEN, s->seq);
	seal_nonce(s, record + SEAL_HEADER_LEN, nonce);
	if (len)
		memcpy(body, data, len);
	if (s->version == SEAL_TLS13)
		body[len++] = type;
	aad_len = seal_aad(s, type, len, aad);
	if (seal_crypt(s, true, nonce, aad, aad_len, body, len))
		return 0;
	s->seq++;
	total = explicit_len + len + SEAL_TAG_LEN;
	record[0] = s->version == SEAL_TLS13 ? SEAL_DATA : type;
	record[1] = record[2] = 3;
	record[3] = (uint8_t)(total >> 8);
	record[4] = (uint8_t)total;
	return SEAL_HEADER_LEN + total;
}

/* Opens a whole record in place. 0 with what it held, or an errno. */
static inline int seal_open(struct seal *s, uint8_t *record, size_t total, uint8_t *type,
			    uint8_t **data, size_t *len)
{
	size_t explicit_len = seal_explicit_len(s), aad_len;
	uint8_t nonce[12], aad[13];

	if (total < SEAL_HEADER_LEN + explicit_len + SEAL_TAG_LEN)
		return EMSGSIZE;
	*data = record + SEAL_HEADER_LEN + explicit_len;
	*len = total - SEAL_HEADER_LEN - explicit_len - SEAL_TAG_LEN;
	*type = record[0];
	seal_nonce(s, record + SEAL_HEADER_LEN, nonce);
	aad_len = seal_aad(s, *type, *len, aad);
	if (seal_crypt(s, false, nonce, aad, aad_len, *data, *len))
		return EBADMSG;
	s->seq++;
	if (s->version == SEAL_TLS12)
		return 0;
	while (*len && !(*data)[*len - 1])
		--*len;
	if (!*len)
		return EPROTO;
	*type = (*data)[--*len];
	return 0;
}

#endif
