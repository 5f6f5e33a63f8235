/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256 by wolfCrypt. */
#include <wolfssl/options.h>

#include "sha256.h"

#include <stdlib.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/sha256.h>

struct sha256 {
	wc_Sha256 state;
};

static void must(int ok)
{
	if (!ok)
		abort();
}

struct sha256 *sha256_new(void)
{
	struct sha256 *h = malloc(sizeof(*h));

	must(h && !wc_InitSha256(&h->state));
	return h;
}

void sha256_add(struct sha256 *h, const void *p, size_t len)
{
	must(!wc_Sha256Update(&h->state, p, (word32)len));
}

void sha256_end(struct sha256 *h, uint8_t out[static SHA256_LEN])
{
	must(!wc_Sha256Final(&h->state, out));
	wc_Sha256Free(&h->state);
	free(h);
}

void sha256_of(const void *p, size_t len, uint8_t out[static SHA256_LEN])
{
	struct sha256 *h = sha256_new();

	if (len)
		sha256_add(h, p, len);
	sha256_end(h, out);
}
