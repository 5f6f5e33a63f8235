/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Session-ticket keys, shared by all workers and listeners (RFC 5077 4, RFC 8446 4.6.1). */
#ifndef KTLSD_TLS_TICKET_H
#define KTLSD_TLS_TICKET_H

#include <stddef.h>
#include <stdint.h>

enum { TICKET_NAME_LEN = 16, TICKET_NONCE_LEN = 12, TICKET_MAX = 2048 };

struct ticket_keys;

/* Fresh random keys, or NULL. They replace themselves every 12 hours; the previous ones still
 * open tickets for 12 more. Freed by the last user. Any thread may use them. */
struct ticket_keys *ticket_keys_new(void);
void ticket_keys_free(struct ticket_keys *t);

/*
 * Seals len bytes (at most TICKET_MAX) in place with AES-256-GCM. `site` binds the ticket to one
 * certificate. Fills the key's name, the nonce and the tag. 0 or -errno.
 */
int ticket_seal(struct ticket_keys *t, uint64_t site, uint8_t name[static TICKET_NAME_LEN],
		uint8_t nonce[static TICKET_NONCE_LEN], uint8_t tag[static 16], uint8_t *ticket,
		size_t len);

/* The reverse: -ENOKEY for an unknown name, -EBADMSG for a ticket that is not ours. */
int ticket_open(struct ticket_keys *t, uint64_t site, const uint8_t name[static TICKET_NAME_LEN],
		const uint8_t nonce[static TICKET_NONCE_LEN], const uint8_t tag[static 16],
		uint8_t *ticket, size_t len);

#endif
