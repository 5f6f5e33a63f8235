/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cipher suites: what a number of the IANA registry means to the record layers and to users. */
#ifndef KTLSD_BASE_SUITE_H
#define KTLSD_BASE_SUITE_H

#include <stddef.h>
#include <stdint.h>

#define TLS12 0x0303
#define TLS13 0x0304

enum aead_kind { AEAD_GCM, AEAD_CCM, AEAD_CHACHA };
enum { AEAD_TAG_LEN = 16, AEAD_N_KINDS = 3 };

struct suite {
	uint16_t id;		/* IANA number */
	uint16_t version;	/* TLS12 or TLS13 */
	const char *name;	/* IANA name */
	const char *wolfssl;	/* name in wolfSSL's cipher lists */
	uint16_t kernel_cipher; /* TLS_CIPHER_* */
	const char *cipher;	/* what users see, as `ss` prints it */
	enum aead_kind aead;
	uint8_t key_len;    /* bytes */
	uint8_t hash_len;   /* bytes */
	uint8_t limit_log2; /* log2 of the records one key may protect */
};

/* The suite with that IANA number, or NULL when ktlsd does not speak it. */
const struct suite *suite_find(uint16_t id);

/* Rows of the table. */
enum {
#define SUITE(id, ...) SUITE_ROW_##id,
#include "base/suite.def"
#undef SUITE
	SUITE_COUNT
};

/* The i-th row of the table, or NULL past its end; and a row's i. */
const struct suite *suite_at(size_t i);
size_t suite_index(const struct suite *s);

/* The first suite of that version with that kernel cipher, or NULL. */
const struct suite *suite_find_cipher(uint16_t version, uint16_t kernel_cipher);

/* The label of a kernel cipher ("aes-gcm-128"), or NULL when the kernel has one we do not know. */
const char *suite_cipher_name(uint16_t kernel_cipher);

/* "1.2", "1.3", or "?" for other numbers. */
const char *suite_version_name(uint16_t version);

/* Bytes of explicit nonce that each record carries on the wire: 8 for TLS 1.2 GCM and CCM
 * (RFC 5288 3, RFC 6655 3), else 0. */
size_t suite_explicit_nonce_len(const struct suite *s);

#endif
