/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows the records of a handshake on the wire without decrypting them: whether a direction
 * stands at a record boundary, how many protected records went by, and the explicit nonce of the
 * last one. wolfSSL tells none of it, and a TLS 1.2 nonce must never be used twice.
 */
#ifndef KTLSD_TLS_WIRE_H
#define KTLSD_TLS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire {
	uint8_t header[5];
	uint8_t n_header;     /* bytes of it seen */
	bool encrypted;	      /* a ChangeCipherSpec has gone by */
	uint8_t n_nonce;      /* bytes of the current record's explicit nonce seen */
	uint8_t nonce[8];     /* explicit nonce of the last record after ChangeCipherSpec */
	uint16_t body_left;   /* bytes of the current record still to come */
	uint32_t n_encrypted; /* whole or begun records after ChangeCipherSpec */
};

/* Takes the next len bytes of the direction. */
void wire_track(struct wire *w, const uint8_t *p, size_t len);

/* True if no record is begun and not ended. */
bool wire_is_at_boundary(const struct wire *w);

/*
 * TLS 1.2 GCM and CCM, sending: the explicit nonce that continues the sequence. `seq` is the
 * library's next sequence number. False if the records seen are not exactly those it counted.
 */
bool wire_next_nonce(const struct wire *w, uint64_t seq, uint64_t *nonce);

#endif
