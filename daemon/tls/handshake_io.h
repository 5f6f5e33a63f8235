/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket as wolfSSL sees it during a handshake, and what is to be known of the records that go
 * by. Takes nothing off the socket that wolfSSL has not asked for: what comes behind the Finished
 * is the record layer's, and that may be the kernel's. Private to handshake.
 */
#ifndef KTLSD_TLS_HANDSHAKE_IO_H
#define KTLSD_TLS_HANDSHAKE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tls/wire.h"

struct WOLFSSL;
struct WOLFSSL_CTX;

struct handshake_io {
	int fd;
	int err; /* errno of the socket, when that is why it failed */
	struct wire tx, rx;
	bool may_hide;	 /* in this run: more than a look has shown may be there */
	bool is_drained; /* in this run: there is no more to look at */
	bool is_full;	 /* in this run: the socket took no more */
	bool is_keyed;	 /* the client's next bytes end the handshake; set by the owner */
	bool may_wait;	 /* they have come: what is sent now need not arrive at once */
};

/* All objects of the context work by this file; each is then told its socket. */
void handshake_io_hook(struct WOLFSSL_CTX *ctx);
void handshake_io_attach(struct handshake_io *io, struct WOLFSSL *ssl);

/* Looks at what the socket has before there is a handshake. Bytes at *p, 0 at the end, -errno. */
ssize_t handshake_io_look(int fd, const uint8_t **p);

/* The bytes just looked at are of that handshake, which is run next. */
void handshake_io_claim(const struct handshake_io *io);

/* Around each run. `may_hide`: see handshake_run(). */
void handshake_io_begin(struct handshake_io *io, bool may_hide);
void handshake_io_end(struct handshake_io *io);

/* Sends what waits to share a segment with the record layer's first bytes. */
void handshake_io_push(struct handshake_io *io);

#endif
