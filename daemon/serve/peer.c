/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the kernel's addresses, what is kept of them, and text. */
#include "serve/peer.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

struct peer peer_of(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	struct peer p;

	if (address->ss_family == AF_INET) {
		memcpy(p.address, mapped, sizeof(mapped));
		memcpy(p.address + sizeof(mapped), &in->sin_addr, sizeof(in->sin_addr));
		p.port = in->sin_port;
	} else {
		memcpy(p.address, &in6->sin6_addr, sizeof(p.address));
		p.port = in6->sin6_port;
	}
	return p;
}

struct peer_text peer_text(const struct peer *p)
{
	bool is_mapped = !memcmp(p->address, mapped, sizeof(mapped));
	char host[INET6_ADDRSTRLEN] = "?";
	struct peer_text text;

	if (is_mapped)
		inet_ntop(AF_INET, p->address + sizeof(mapped), host, sizeof(host));
	else
		inet_ntop(AF_INET6, p->address, host, sizeof(host));
	snprintf(text.s, sizeof(text.s), is_mapped ? "%s:%u" : "[%s]:%u", host, ntohs(p->port));
	return text;
}
