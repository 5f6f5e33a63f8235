/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of one direction: the only home of secrets once a handshake has ended. */
#ifndef KTLSD_BASE_KEYS_H
#define KTLSD_BASE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/suite.h"

enum { KEYS_SECRET_MAX = 48, KEYS_KEY_MAX = 32, KEYS_IV_LEN = 12 };

struct keys {
	const struct suite *suite; /* not owned: a row of the suite table */
	uint64_t id;	/* unique while the process lives: names a key schedule in a cache */
	uint64_t seq;	/* sequence number of the next record (RFC 8446 5.3, RFC 5246 6.1) */
	uint64_t nonce; /* TLS 1.2 GCM and CCM: explicit nonce of the next record sent */
	uint32_t epoch; /* key updates since the handshake */
	uint8_t secret[KEYS_SECRET_MAX]; /* TLS 1.3: application traffic secret of this epoch */
	uint8_t key[KEYS_KEY_MAX];
	uint8_t iv[KEYS_IV_LEN]; /* TLS 1.2 GCM and CCM: the 4-byte salt, rest 0 */
};

/*
 * Takes wiped keys from locked memory that no core dump contains and no child inherits.
 * The caller owns them and gives them back with keys_free(). NULL when memory is short.
 * Any thread may call it: keys are made once per direction of a handshake, never per record.
 */
struct keys *keys_new(void);

/* Wipes and gives back; NULL is fine. */
void keys_free(struct keys *keys);

/*
 * Wipes the key and the IV, once they are in the kernel. The traffic secret stays: the next
 * key update needs it (RFC 8446 7.2).
 */
void keys_forget_key(struct keys *keys);

/* True while the key itself is held (user mode), false after keys_forget_key(). */
bool keys_has_key(const struct keys *keys);

#endif
