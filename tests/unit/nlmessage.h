/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink messages as the kernel builds them; shares no code with the project or its library. */
#ifndef KTLSD_TESTS_NLMESSAGE_H
#define KTLSD_TESTS_NLMESSAGE_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

/* A message in the making, always whole. */
struct nlmessage {
	union {
		struct nlmsghdr header;
		unsigned char bytes[2048];
	};
	size_t len;
};

/* Starts it with its fixed part. */
void nlmessage_begin(struct nlmessage *m, uint16_t type, const void *head, size_t len);

void nlmessage_put(struct nlmessage *m, uint16_t number, const void *data, size_t len);
void nlmessage_put_u16(struct nlmessage *m, uint16_t number, uint16_t value);
void nlmessage_put_text(struct nlmessage *m, uint16_t number, const char *text);

/* Attributes put between the two are inside; the end takes what the beginning gave. */
size_t nlmessage_nest(struct nlmessage *m, uint16_t number);
void nlmessage_nest_end(struct nlmessage *m, size_t at);

/* An IPv6 socket of user 33, with this cookie and inode, of which no ULP is told. */
#define NLMESSAGE_COOKIE UINT64_C(0x1122334455667788)
#define NLMESSAGE_INODE 4711
void nlmessage_socket(struct nlmessage *m);

/* The same with TLS. As Linux 6.1 tells it: TLS 1.2, a key to send, on a device. */
void nlmessage_tls_socket_old(struct nlmessage *m);

/* As Linux 7.3 tells it, all there is, and an attribute that is not known yet: TLS 1.3. */
void nlmessage_tls_socket(struct nlmessage *m);

#endif
