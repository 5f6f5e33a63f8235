/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A look at a ClientHello before any memory is spent on it: is it one, is it whole, for whom. */
#ifndef KTLSD_TLS_HELLO_H
#define KTLSD_TLS_HELLO_H

#include <stddef.h>
#include <stdint.h>

enum { HELLO_PEEK_MAX = 4096, HELLO_NAME_MAX = 256 };

enum hello_verdict {
	HELLO_NOT_TLS, /* not the beginning of a TLS handshake record */
	HELLO_PARTIAL, /* more bytes are wanted */
	HELLO_WHOLE,   /* the first record is there, or as much of it as is ever looked at */
};

enum hello_verdict hello_check(const uint8_t *p, size_t len);

/*
 * The server name of the ClientHello (RFC 6066 3), lower case; "" when there is none, when it is
 * no host name, or when the message is split over records.
 */
void hello_server_name(const uint8_t *p, size_t len, char name[static HELLO_NAME_MAX]);

#endif
