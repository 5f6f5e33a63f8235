/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record layer in the kernel (Documentation/networking/tls.rst): attach, install keys, send
 * and receive records with their type. The other layer behind channel is record.
 */
#ifndef KTLSD_TLS_KTLS_H
#define KTLSD_TLS_KTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/counters.h"
#include "base/keys.h"

/*
 * Attaches the upper layer protocol "tls" to an established TCP socket: right after accept,
 * because it fails with -ENOTCONN once the peer has sent FIN. -ENOENT: no module; else -errno.
 */
int ktls_attach(int fd);

/*
 * Gives the kernel the keys of one direction, or on Linux >= 6.14 replaces them. 0 or -errno:
 * -EBUSY when this kernel cannot replace keys, -EINVAL/-ENOENT for a cipher it does not know.
 */
int ktls_install(int fd, enum direction d, const struct keys *keys);

/*
 * The sequence number of the direction's next record: under TLS 1.3 how many records its present
 * key has protected. The kernel gives it out together with the key, which is wiped here. 0 or -errno.
 */
int ktls_read_seq(int fd, enum direction d, const struct suite *suite, uint64_t *seq);

/*
 * Sends len bytes as one record of that type. Gives the bytes taken, which may be fewer, or
 * -errno; -EAGAIN when the socket is full. With `more`, data only, the record stays open for the
 * next call's bytes (MSG_MORE), which have to come: a record of another type closes it too.
 */
ssize_t ktls_send(int fd, uint8_t type, const void *buf, size_t len, bool more);

/*
 * Sends up to len bytes from a pipe as data. Gives the bytes taken, or -errno; -EAGAIN when the
 * socket is full or the pipe empty, and then all that was taken in whole records is on its way.
 */
ssize_t ktls_splice(int fd, int pipe_fd, size_t len);

/*
 * Sends up to len bytes of a file from *off, which moves on, as data. Gives the bytes taken, 0 at
 * the file's end, or -errno, which may be the file's or the socket's; -EAGAIN when the socket is
 * full, and then all that was taken in whole records is on its way.
 */
ssize_t ktls_sendfile(int fd, int file_fd, off_t *off, size_t len);

/*
 * Receives bytes of one record, never waits. Gives their number and *type; 0 with *type 0 at the
 * end of the stream. -EAGAIN, -EBADMSG (does not decrypt), -EMSGSIZE (too long), -EINVAL (no
 * record), -EKEYEXPIRED (a KeyUpdate was read and new keys are due), -ENODATA (the stream ended
 * inside a record), or another -errno.
 */
ssize_t ktls_recv(int fd, uint8_t *type, void *buf, size_t len);

/*
 * The error that the kernel keeps after a bad record (sk_err) makes the next send fail: takes it
 * off, so that an alert can still be sent. Gives it, positive, or 0.
 */
int ktls_take_error(int fd);

/* From now on the last segment is kept back until it is full or the FIN comes. */
void ktls_cork(int fd);

/* Sends what TCP keeps back. */
void ktls_push(int fd);

/*
 * How far the peer has acknowledged what TCP was given. A shutdown or close of the socket abandons
 * records that the kernel has encrypted and TCP has not taken yet (tls_sw_release_resources_tx()),
 * and nothing tells whether there are any but that all of TCP's bytes are acknowledged.
 */
struct ktls_progress {
	uint64_t acked;	 /* bytes, ever */
	bool is_settled; /* nothing is unsent or unacknowledged, or the connection is gone */
};
struct ktls_progress ktls_progress(int fd);

/* True if the peer sends no more: its FIN or reset has come, behind whatever is still unread. */
bool ktls_is_ended(int fd);

/* Socket options of SOL_TLS that switch features on: 0 or -errno. */
int ktls_set_zerocopy(int fd);			/* TLS_TX_ZEROCOPY_RO, Linux 5.19 */
int ktls_set_no_pad(int fd);			/* TLS_RX_EXPECT_NO_PAD, Linux 6.0 */
int ktls_set_max_payload(int fd, uint16_t len); /* TLS_TX_MAX_PAYLOAD_LEN, Linux 6.19 */

#endif
