/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suite table and its lookups. */
#include "base/suite.h"

#include <linux/tls.h>

#include "base/util.h"

static const struct suite suites[] = {
#define SUITE(id_, name_, wolfssl_, version_, kernel_, cipher_, aead_, key_, hash_, limit_) \
	{ .id = id_,                                                                        \
	  .version = version_,                                                              \
	  .name = name_,                                                                    \
	  .wolfssl = wolfssl_,                                                              \
	  .kernel_cipher = kernel_,                                                         \
	  .cipher = cipher_,                                                                \
	  .aead = aead_,                                                                    \
	  .key_len = key_,                                                                  \
	  .hash_len = hash_,                                                                \
	  .limit_log2 = limit_ },
#include "base/suite.def"
#undef SUITE
};

const struct suite *suite_find(uint16_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++)
		if (suites[i].id == id)
			return &suites[i];
	return NULL;
}

const struct suite *suite_at(size_t i)
{
	return i < ARRAY_SIZE(suites) ? &suites[i] : NULL;
}

size_t suite_index(const struct suite *s)
{
	return (size_t)(s - suites);
}

const struct suite *suite_find_cipher(uint16_t version, uint16_t kernel_cipher)
{
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++)
		if (suites[i].version == version && suites[i].kernel_cipher == kernel_cipher)
			return &suites[i];
	return NULL;
}

const char *suite_cipher_name(uint16_t kernel_cipher)
{
	const struct suite *s = suite_find_cipher(TLS13, kernel_cipher);

	return s ? s->cipher : NULL;
}

const char *suite_version_name(uint16_t version)
{
	return version == TLS13 ? "1.3" : version == TLS12 ? "1.2" : "?";
}

size_t suite_explicit_nonce_len(const struct suite *s)
{
	return s->version == TLS12 && s->aead != AEAD_CHACHA ? 8 : 0;
}
