/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AEAD and key schedule of TLS by wolfCrypt: seal, open, derive. Knows no records and no sockets. */
#ifndef KTLSD_TLS_AEAD_H
#define KTLSD_TLS_AEAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/keys.h"

/*
 * Encrypts len bytes in place under keys->key and writes the 16-byte tag behind them
 * (buf has room for len + AEAD_TAG_LEN). `nonce` is the whole AEAD nonce. 0 or -EIO when
 * wolfCrypt fails, -ENOMEM.
 *
 * The key schedule is kept in a small cache of the calling thread, in locked memory.
 */
int aead_seal(const struct keys *keys, const uint8_t nonce[static 12], const uint8_t *aad,
	      size_t aad_len, uint8_t *buf, size_t len);

/* Decrypts and checks in place; the tag follows the len bytes. 0, -EBADMSG, -EIO, -ENOMEM. */
int aead_open(const struct keys *keys, const uint8_t nonce[static 12], const uint8_t *aad,
	      size_t aad_len, uint8_t *buf, size_t len);

/* Wipes what the calling thread's cache holds of these keys. Call before keys_free(). */
void aead_forget(const struct keys *keys);

/* Wipes and frees the calling thread's cache. Call before the thread ends. */
void aead_thread_fini(void);

/*
 * TLS 1.3: key and IV of keys->secret (RFC 8446 7.3), sequence number 0 is not set here.
 * 0 or -EIO.
 */
int aead_derive(struct keys *keys);

/*
 * TLS 1.3: the next application traffic secret (RFC 8446 7.2), its key and IV; sequence number
 * 0, epoch + 1, a new id. On error the keys are unchanged. 0, -EIO or -ENOMEM.
 */
int aead_derive_next(struct keys *keys);

/* Fills buf from the kernel's generator (getrandom(2)). 0 or -errno. */
int aead_random(void *buf, size_t len);

#endif
