/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record layer in user space (RFC 8446 5, RFC 5246 6.2.3.3), AEAD suites only, on a
 * non-blocking socket. One of two layers behind channel; the other is ktls.
 */
#ifndef KTLSD_TLS_RECORD_H
#define KTLSD_TLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/keys.h"
#include "base/pool.h"

enum record_type { /* RFC 8446 5.1 */
		   RECORD_CCS = 20,
		   RECORD_ALERT = 21,
		   RECORD_HANDSHAKE = 22,
		   RECORD_DATA = 23,
};

enum { RECORD_PLAIN_MAX = 16384, RECORD_HEADER_LEN = 5 };

/* The sending side's bytes in flight: sealed records that the socket has not taken yet. */
struct record_tx {
	struct pool_buffer *buf; /* NULL while empty */
};

/* The receiving side's: first what is decrypted and not yet taken, then what is still sealed. */
struct record_rx {
	struct pool_buffer *buf; /* NULL while both are empty */
	uint16_t plain_off, plain_len;
	uint16_t raw_off, raw_len;
	uint8_t plain_type;
	bool was_short; /* the last read from the socket gave less than there was room for */
};

/*
 * Seals up to RECORD_PLAIN_MAX bytes as one record and writes it. Gives the bytes accepted, which
 * may be fewer than len; 0 for len 0 (an empty record is sent). -EAGAIN: an earlier record still
 * waits for the socket, nothing was accepted. -ENOMEM, -EIO, or the socket's -errno. `more`: what
 * follows at once may share a segment with its end (MSG_MORE).
 */
ssize_t record_send(int fd, struct keys *keys, struct record_tx *tx, struct pool *pool,
		    uint8_t type, const void *data, size_t len, bool more);

/* Writes what waits. 0 when nothing is left, -EAGAIN, or the socket's -errno. */
int record_flush(int fd, struct record_tx *tx, struct pool *pool);

/*
 * Gives bytes of one record of *type, at most cap; a record longer than that is given in pieces.
 *   > 0, or 0 with *type set: bytes of such a record (an empty one for 0)
 *   0 with *type 0: the peer closed the connection at a record boundary
 *   -EAGAIN     no whole record is there
 *   -EBADMSG    the record does not decrypt
 *   -EPROTO     the record is nothing but padding (RFC 8446 5.4)
 *   -EMSGSIZE   longer than TLS allows
 *   -EINVAL     not a record: wrong version in the header, or for TLS 1.3 a type that is not data
 *   -ENODATA    the peer closed the connection inside a record
 *   -ENOMEM, -EIO, or the socket's -errno
 */
ssize_t record_recv(int fd, struct keys *keys, struct record_rx *rx, struct pool *pool,
		    uint8_t *type, void *buf, size_t cap);

/* True if bytes are buffered: decrypted ones, or sealed ones that epoll will not report again. */
static inline bool record_rx_pending(const struct record_rx *rx)
{
	return rx->buf;
}

/*
 * One record's protection without a socket. buf holds `headroom` = record_headroom() free bytes,
 * then len bytes of plaintext, then room for 1 + AEAD_TAG_LEN more. Gives the length of the whole
 * record, which starts at buf. Advances keys->seq and keys->nonce. -EIO, -ENOMEM.
 */
ssize_t record_seal(struct keys *keys, uint8_t type, uint8_t *buf, size_t len);
size_t record_headroom(const struct suite *s);

/*
 * Opens the whole record at buf in place. Gives the plaintext's length, its offset in *off and
 * its type. Advances keys->seq. Errors as record_recv().
 */
ssize_t record_open(struct keys *keys, uint8_t *buf, size_t len, uint8_t *type, size_t *off);

#endif
