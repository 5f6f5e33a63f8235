/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's TLS socket interface. */
#include "tls/ktls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "base/util.h"
#include "tls/record.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef TLS_TX_ZEROCOPY_RO
#define TLS_TX_ZEROCOPY_RO 3
#endif
#ifndef TLS_RX_EXPECT_NO_PAD
#define TLS_RX_EXPECT_NO_PAD 4
#endif
#ifndef TLS_TX_MAX_PAYLOAD_LEN
#define TLS_TX_MAX_PAYLOAD_LEN 5
#endif

/* TCP_* of include/net/tcp_states.h */
enum { STATE_ESTABLISHED = 1, STATE_FIN_WAIT1 = 4, STATE_FIN_WAIT2 = 5, STATE_CLOSE = 7 };

union crypto_info {
	struct tls_crypto_info info;
	struct tls12_crypto_info_aes_gcm_128 gcm128;
	struct tls12_crypto_info_aes_gcm_256 gcm256;
	struct tls12_crypto_info_aes_ccm_128 ccm128;
	struct tls12_crypto_info_chacha20_poly1305 chacha;
};

static void wipe_crypto_info(union crypto_info *ci)
{
	explicit_bzero(ci, sizeof(*ci));
}

int ktls_attach(int fd)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) ? -errno : 0;
}

/*
 * GCM and CCM: salt is the fixed half of the nonce; iv is the other half for TLS 1.3, and the
 * explicit nonce of the next record for TLS 1.2.
 */
static void put_salted(uint8_t *key, uint8_t *salt, uint8_t *iv, uint8_t *seq, const struct keys *k)
{
	memcpy(key, k->key, k->suite->key_len);
	memcpy(salt, k->iv, 4);
	if (k->suite->version == TLS13)
		memcpy(iv, k->iv + 4, 8);
	else
		be64_put(iv, k->nonce);
	be64_put(seq, k->seq);
}

/* Fills *ci; gives the length that the kernel expects, 0 for a cipher without a structure. */
static socklen_t fill_crypto_info(union crypto_info *ci, const struct keys *k)
{
	memset(ci, 0, sizeof(*ci));
	ci->info.version = k->suite->version;
	ci->info.cipher_type = k->suite->kernel_cipher;
	switch (k->suite->kernel_cipher) {
	case TLS_CIPHER_AES_GCM_128:
		put_salted(ci->gcm128.key, ci->gcm128.salt, ci->gcm128.iv, ci->gcm128.rec_seq, k);
		return sizeof(ci->gcm128);
	case TLS_CIPHER_AES_GCM_256:
		put_salted(ci->gcm256.key, ci->gcm256.salt, ci->gcm256.iv, ci->gcm256.rec_seq, k);
		return sizeof(ci->gcm256);
	case TLS_CIPHER_AES_CCM_128:
		put_salted(ci->ccm128.key, ci->ccm128.salt, ci->ccm128.iv, ci->ccm128.rec_seq, k);
		return sizeof(ci->ccm128);
	case TLS_CIPHER_CHACHA20_POLY1305:
		memcpy(ci->chacha.key, k->key, sizeof(ci->chacha.key));
		memcpy(ci->chacha.iv, k->iv, sizeof(ci->chacha.iv));
		be64_put(ci->chacha.rec_seq, k->seq);
		return sizeof(ci->chacha);
	default:
		return 0;
	}
}

int ktls_install(int fd, enum direction d, const struct keys *k)
{
	union crypto_info ci __attribute__((cleanup(wipe_crypto_info)));
	socklen_t len = fill_crypto_info(&ci, k);

	if (!len)
		return -EINVAL;
	return setsockopt(fd, SOL_TLS, d == TX ? TLS_TX : TLS_RX, &ci, len) ? -errno : 0;
}

/* Where *ci has the sequence number, and its length; NULL for a cipher without a structure. */
static const uint8_t *find_seq(const union crypto_info *ci, uint16_t cipher, socklen_t *len)
{
	switch (cipher) {
	case TLS_CIPHER_AES_GCM_128:
		*len = sizeof(ci->gcm128);
		return ci->gcm128.rec_seq;
	case TLS_CIPHER_AES_GCM_256:
		*len = sizeof(ci->gcm256);
		return ci->gcm256.rec_seq;
	case TLS_CIPHER_AES_CCM_128:
		*len = sizeof(ci->ccm128);
		return ci->ccm128.rec_seq;
	case TLS_CIPHER_CHACHA20_POLY1305:
		*len = sizeof(ci->chacha);
		return ci->chacha.rec_seq;
	default:
		return NULL;
	}
}

int ktls_read_seq(int fd, enum direction d, const struct suite *suite, uint64_t *seq)
{
	union crypto_info ci __attribute__((cleanup(wipe_crypto_info))) = { 0 };
	socklen_t len = 0;
	const uint8_t *at = find_seq(&ci, suite->kernel_cipher, &len);

	if (!at)
		return -EINVAL;
	if (getsockopt(fd, SOL_TLS, d == TX ? TLS_TX : TLS_RX, &ci, &len))
		return -errno;
	*seq = be64_get(at);
	return 0;
}

ssize_t ktls_send(int fd, uint8_t type, const void *buf, size_t len, bool more)
{
	union {
		char buf[CMSG_SPACE(sizeof(type))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
	struct cmsghdr *cmsg;
	ssize_t n;

	if (type != RECORD_DATA) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_TLS;
		cmsg->cmsg_type = TLS_SET_RECORD_TYPE;
		cmsg->cmsg_len = CMSG_LEN(sizeof(type));
		*CMSG_DATA(cmsg) = type;
		msg.msg_controllen = cmsg->cmsg_len;
	}
	do
		n = sendmsg(fd, &msg, flags);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/*
 * Before Linux 6.5 TCP holds back what it is given from a page that is not the last of its batch
 * (MSG_SENDPAGE_NOTLAST): with the socket full behind it, that would neither leave nor make room,
 * for ever. Setting TCP_NODELAY pushes what waits, whether it was set or not (tcp(7)).
 */
void ktls_push(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void set_cork(int fd, int on)
{
	(void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

void ktls_cork(int fd)
{
	set_cork(fd, 1);
}

/*
 * Kernel TLS pushes each record by itself: on a socket with TCP_NODELAY a segment that is not full
 * for every 16 KiB. Where one call brings several records they share full segments, and only what
 * is left at its end leaves as it is.
 */
static bool begin_bulk(int fd, size_t len)
{
	enum { BULK_LEN = 65536 }; /* what one segment of TCP takes, before it is cut up (GSO) */

	if (len < BULK_LEN)
		return false;
	set_cork(fd, 1);
	return true;
}

/* Gives n, or what errno said of it; see ktls_push() for a socket that is full. */
static ssize_t end_bulk(int fd, bool is_bulk, ssize_t n)
{
	int err = n < 0 ? -errno : 0;

	if (is_bulk)
		set_cork(fd, 0); /* pushes as well */
	else if (err == -EAGAIN)
		ktls_push(fd);
	return err ? err : n;
}

ssize_t ktls_splice(int fd, int pipe_fd, size_t len)
{
	bool is_bulk = begin_bulk(fd, len);
	ssize_t n;

	do
		n = splice(pipe_fd, NULL, fd, NULL, len, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	while (n < 0 && errno == EINTR);
	return end_bulk(fd, is_bulk, n);
}

/* sendfile() knows no MSG_NOSIGNAL: SIGPIPE is ignored in the whole process. */
ssize_t ktls_sendfile(int fd, int file_fd, off_t *off, size_t len)
{
	bool is_bulk = begin_bulk(fd, len);
	ssize_t n;

	do
		n = sendfile(fd, file_fd, off, len);
	while (n < 0 && errno == EINTR);
	return end_bulk(fd, is_bulk, n);
}

/*
 * At the end of the stream: what the kernel still holds is a record that is not whole. (It tells
 * no bytes that it has moved to a buffer of its own, under a collapsed window: then the end is
 * only the end.)
 */
static bool is_inside_record(int fd)
{
	int queued = 0;

	return !ioctl(fd, FIONREAD, &queued) && queued > 0;
}

ssize_t ktls_recv(int fd, uint8_t *type, void *buf, size_t len)
{
	union {
		char buf[CMSG_SPACE(sizeof(*type))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	const struct cmsghdr *cmsg;
	ssize_t n;

	*type = 0;
	do
		n = recvmsg(fd, &msg, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (msg.msg_flags & MSG_CTRUNC)
		return -EIO;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_level == SOL_TLS && cmsg->cmsg_type == TLS_GET_RECORD_TYPE &&
	    cmsg->cmsg_len == CMSG_LEN(sizeof(*type)))
		*type = *CMSG_DATA(cmsg);
	else if (n > 0)
		return -EIO; /* bytes of no known type: never to be taken for data */
	else if (is_inside_record(fd))
		return -ENODATA;
	return n;
}

int ktls_take_error(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) ? 0 : err;
}

struct ktls_progress ktls_progress(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return (struct ktls_progress){ .is_settled = true };
	return (struct ktls_progress){
		.acked = info.tcpi_bytes_acked,
		.is_settled = info.tcpi_state == STATE_CLOSE ||
			      (!info.tcpi_unacked && !info.tcpi_notsent_bytes),
	};
}

bool ktls_is_ended(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) ||
	       (info.tcpi_state != STATE_ESTABLISHED && info.tcpi_state != STATE_FIN_WAIT1 &&
		info.tcpi_state != STATE_FIN_WAIT2);
}

static int set_flag(int fd, int name)
{
	int on = 1;

	return setsockopt(fd, SOL_TLS, name, &on, sizeof(on)) ? -errno : 0;
}

int ktls_set_zerocopy(int fd)
{
	return set_flag(fd, TLS_TX_ZEROCOPY_RO);
}

int ktls_set_no_pad(int fd)
{
	return set_flag(fd, TLS_RX_EXPECT_NO_PAD);
}

int ktls_set_max_payload(int fd, uint16_t len)
{
	return setsockopt(fd, SOL_TLS, TLS_TX_MAX_PAYLOAD_LEN, &len, sizeof(len)) ? -errno : 0;
}
