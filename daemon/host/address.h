/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as people write them, and what they stand for: text, resolver, socket address. */
#ifndef KTLSD_HOST_ADDRESS_H
#define KTLSD_HOST_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

struct config_address; /* host/config.h */

enum { ADDRESS_HOST_MAX = 253 }; /* bytes of a host name, RFC 1035 2.3.4 */

/* "HOST:PORT", "[V6]:PORT" in pieces. */
struct address_text {
	char host[ADDRESS_HOST_MAX + 1]; /* without brackets */
	char port[6];
};

/*
 * Takes the text apart: 0, or -EINVAL with *why a phrase that completes "the address ...".
 * Looks nothing up.
 */
int address_split(const char *text, struct address_text *parts, const char **why);

/*
 * Fills the socket address from a split text, asking the resolver if the host is a name: 0, or
 * a negative errno with *why a phrase. The first address of a name is taken. A child process
 * without privileges asks, because answers come from the network; it has timeout_ms.
 */
int address_resolve(const struct address_text *parts, unsigned timeout_ms,
		    struct config_address *address, const char **why);

/* The address of a unix socket: a path, or "@name", abstract. -EINVAL: empty or too long. */
int address_unix(const char *path, struct config_address *address);

/* The same socket address, to the byte. */
bool address_equals(const struct config_address *a, const struct config_address *b);

#endif
