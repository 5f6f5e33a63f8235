/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256 of what a test sends and receives. */
#ifndef KTLSD_TESTS_SHA256_H
#define KTLSD_TESTS_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_LEN = 32 };

struct sha256;

/* Never NULL; sha256_end() frees it. */
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *h, const void *p, size_t len);
void sha256_end(struct sha256 *h, uint8_t out[static SHA256_LEN]);

void sha256_of(const void *p, size_t len, uint8_t out[static SHA256_LEN]);

#endif
