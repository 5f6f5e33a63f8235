/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel-TLS sockets made by hand, for helpers that say what the project's answers are compared with:
 * shares no code with it. Keys, salts and IVs are one octet again and again, which two ends can agree
 * on and a test can look for.
 */
#ifndef KTLSD_TESTS_KTLS_H
#define KTLSD_TESTS_KTLS_H

#include <err.h>
#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KTLS_HANDSHAKE = 22 };

/* A listener at the address, whose port is filled in. */
static inline int ktls_listen(struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, address, len) || listen(fd, 1) || getsockname(fd, address, &len))
		err(1, "listen");
	return fd;
}

/* Two ends of a connection to the listener, which is closed. */
static inline void ktls_connect(int listener, const struct sockaddr *address, socklen_t len,
				int *subject, int *peer)
{
	*subject = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*subject < 0 || connect(*subject, address, len))
		err(1, "connect");
	*peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (*peer < 0)
		err(1, "accept");
	close(listener);
}

static inline int ktls_errno(int r)
{
	return r ? errno : 0;
}

static inline int ktls_attach(int fd)
{
	return ktls_errno(setsockopt(fd, SOL_TCP, TCP_ULP, "tls", sizeof("tls")));
}

/* info_len is that of the cipher's tls12_crypto_info_*, which ends with rec_seq in all of them. */
static inline int ktls_install(int fd, int direction, struct tls_crypto_info head, size_t info_len,
			       uint8_t key, uint64_t seq)
{
	uint8_t info[64];

	memset(info, key, sizeof(info));
	memcpy(info, &head, sizeof(head));
	for (size_t i = 0; i < 8; i++)
		info[info_len - 1 - i] = (uint8_t)(seq >> 8 * i);
	return ktls_errno(setsockopt(fd, SOL_TLS, direction, info, (socklen_t)info_len));
}

/* A TLS 1.3 KeyUpdate (RFC 8446 4.6.3), received as the control record it is; EBADMSG: changed. */
static inline int ktls_key_update(int from, int to)
{
	uint8_t body[] = { 24, 0, 0, 1, 0 }, got[sizeof(body)];
	union {
		struct cmsghdr header;
		uint8_t room[CMSG_SPACE(1)];
	} control = { .header = { .cmsg_level = SOL_TLS,
				  .cmsg_type = TLS_SET_RECORD_TYPE,
				  .cmsg_len = CMSG_LEN(1) } };
	struct iovec out = { .iov_base = body, .iov_len = sizeof(body) };
	struct iovec in = { .iov_base = got, .iov_len = sizeof(got) };
	struct msghdr message = { .msg_iov = &out,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	*CMSG_DATA(&control.header) = KTLS_HANDSHAKE;
	if (sendmsg(from, &message, 0) != sizeof(body))
		return errno;
	message.msg_iov = &in;
	message.msg_controllen = sizeof(control);
	if (recvmsg(to, &message, 0) != sizeof(body))
		return errno;
	return control.header.cmsg_type != TLS_GET_RECORD_TYPE ||
			       *CMSG_DATA(&control.header) != KTLS_HANDSHAKE ||
			       memcmp(body, got, sizeof(body)) ?
		       EBADMSG :
		       0;
}

static inline uint64_t ktls_cookie(int fd)
{
	uint64_t cookie;
	socklen_t len = sizeof(cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len))
		err(1, "SO_COOKIE");
	return cookie;
}

#endif
