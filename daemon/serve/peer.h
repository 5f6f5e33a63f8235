/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is at the other end. Kept for every connection, and small: the kernel does not tell it any
 * more once the peer has reset (getpeername(2), ENOTCONN), when the log wants it most.
 */
#ifndef KTLSD_SERVE_PEER_H
#define KTLSD_SERVE_PEER_H

#include <netinet/in.h>

struct sockaddr_storage;

struct peer {
	uint8_t address[sizeof(struct in6_addr)]; /* IPv4 is mapped (RFC 4291 2.5.5.2) */
	in_port_t port;				  /* network byte order */
};

/* Of an IPv4 or IPv6 address. */
struct peer peer_of(const struct sockaddr_storage *address);

/* "192.0.2.1:443" or "[2001:db8::1]:443". */
struct peer_text {
	char s[INET6_ADDRSTRLEN + sizeof("[]:65535")];
};
struct peer_text peer_text(const struct peer *p);

#endif
