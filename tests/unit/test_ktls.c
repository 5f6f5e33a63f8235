/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes to the kernel and what is believed of what comes back, with the system calls wrapped:
 * runs where the kernel has no TLS, and shows failures that no kernel gives on demand.
 */
#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/util.h"
#include "pair.h"
#include "tls/ktls.h"
#include "vectors/vectors.h"

enum { FD = 1000, FILE_FD = 1001, SOL = 282 };

/* What a wrapped call was given, and what it is to answer. */
static struct {
	int calls;
	int level, name;
	uint8_t option[128];
	socklen_t option_len;
	int fail_errno, fail_after,
		fail_times;	    /* so many calls work, fail, work; fail_times 0: always */
	bool is_corked, was_corked; /* now; when a file was sent */
	int flags, control_type;    /* of sendmsg; -1: no control message */
	size_t sent_len;
	ssize_t give; /* of recvmsg */
	int give_flags;
	struct cmsghdr give_header;
	uint8_t give_type;
} k;

int __wrap_setsockopt(int fd, int level, int name, const void *p, socklen_t len);
int __real_setsockopt(int fd, int level, int name, const void *p, socklen_t len);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t __wrap_sendfile(int fd, int file_fd, off_t *off, size_t len);

static bool fails(void)
{
	k.calls++;
	if (!k.fail_errno || k.calls <= k.fail_after ||
	    (k.fail_times && k.calls > k.fail_after + k.fail_times))
		return false;
	errno = k.fail_errno;
	return true;
}

int __wrap_setsockopt(int fd, int level, int name, const void *p, socklen_t len)
{
	if (fd != FD)
		return __real_setsockopt(fd, level, name, p, len);
	if (fails())
		return -1;
	k.level = level;
	k.name = name;
	k.option_len = len;
	memcpy(k.option, p, MIN_OF(len, sizeof(k.option)));
	if (level == IPPROTO_TCP && name == TCP_CORK)
		k.is_corked = k.option[0];
	return 0;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	const struct cmsghdr *cmsg = msg->msg_controllen ? CMSG_FIRSTHDR(msg) : NULL;

	assert_int_equal(fd, FD);
	if (fails())
		return -1;
	k.flags = flags;
	k.control_type = -1;
	k.sent_len = msg->msg_iov->iov_len;
	if (cmsg) {
		assert_int_equal(cmsg->cmsg_level, SOL);
		assert_int_equal(cmsg->cmsg_type, TLS_SET_RECORD_TYPE);
		assert_int_equal(cmsg->cmsg_len, CMSG_LEN(1));
		k.control_type = *CMSG_DATA(cmsg);
	}
	return (ssize_t)k.sent_len;
}

ssize_t __wrap_sendfile(int fd, int file_fd, off_t *off, size_t len)
{
	assert_int_equal(fd, FD);
	assert_int_equal(file_fd, FILE_FD);
	k.was_corked = k.is_corked;
	if (fails())
		return -1;
	*off += (off_t)len;
	return (ssize_t)len;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	assert_int_equal(fd, FD);
	assert_int_equal(flags & MSG_DONTWAIT, MSG_DONTWAIT);
	if (fails())
		return -1;
	msg->msg_flags = k.give_flags;
	msg->msg_controllen = k.give_header.cmsg_len ? CMSG_SPACE(1) : 0;
	*cmsg = k.give_header;
	*CMSG_DATA(cmsg) = k.give_type;
	return k.give;
}

static int reset(void **state)
{
	(void)state;
	memset(&k, 0, sizeof(k));
	return 0;
}

static void attach(void **state)
{
	(void)state;
	assert_int_equal(ktls_attach(FD), 0);
	assert_int_equal(k.level, IPPROTO_TCP);
	assert_int_equal(k.name, TCP_ULP);
	assert_string_equal((char *)k.option, "tls");
	k.fail_errno = ENOENT;
	assert_int_equal(ktls_attach(FD), -ENOENT);
}

static void assert_salted(const struct keys *keys, const uint8_t *key, const uint8_t *salt,
			  const uint8_t *iv)
{
	uint8_t want_iv[8];

	be64_put(want_iv, 0x1122334455667788);
	assert_memory_equal(key, keys->key, keys->suite->key_len);
	assert_memory_equal(salt, keys->iv, 4);
	assert_memory_equal(iv, keys->suite->version == TLS13 ? keys->iv + 4 : want_iv, 8);
}

/* The structure of that cipher in k.option is made of these keys. */
static void assert_crypto_info(const struct keys *keys)
{
	const struct tls12_crypto_info_aes_gcm_128 *gcm128 = (void *)k.option;
	const struct tls12_crypto_info_aes_gcm_256 *gcm256 = (void *)k.option;
	const struct tls12_crypto_info_aes_ccm_128 *ccm = (void *)k.option;
	const struct tls12_crypto_info_chacha20_poly1305 *chacha = (void *)k.option;

	switch (keys->suite->kernel_cipher) {
	case TLS_CIPHER_AES_GCM_128:
		assert_int_equal(k.option_len, sizeof(*gcm128));
		assert_salted(keys, gcm128->key, gcm128->salt, gcm128->iv);
		break;
	case TLS_CIPHER_AES_GCM_256:
		assert_int_equal(k.option_len, sizeof(*gcm256));
		assert_salted(keys, gcm256->key, gcm256->salt, gcm256->iv);
		break;
	case TLS_CIPHER_AES_CCM_128:
		assert_int_equal(k.option_len, sizeof(*ccm));
		assert_salted(keys, ccm->key, ccm->salt, ccm->iv);
		break;
	default:
		assert_int_equal(keys->suite->kernel_cipher, TLS_CIPHER_CHACHA20_POLY1305);
		assert_int_equal(k.option_len, sizeof(*chacha));
		assert_memory_equal(chacha->key, keys->key, 32);
		assert_memory_equal(chacha->iv, keys->iv, 12);
	}
	/* All of them end with the sequence number. */
	assert_int_equal(be64_get(k.option + k.option_len - 8), 0x0102030405060708);
}

static void install(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_suite_vectors; i++) {
		struct keys *keys = vector_keys(suite_vectors[i].suite);
		const struct tls_crypto_info *info = (void *)k.option;

		keys->seq = 0x0102030405060708;
		keys->nonce = 0x1122334455667788;
		for (int d = 0; d < N_DIRECTIONS; d++) {
			assert_int_equal(ktls_install(FD, (enum direction)d, keys), 0);
			assert_int_equal(k.level, SOL);
			assert_int_equal(k.name, d == TX ? TLS_TX : TLS_RX);
			assert_int_equal(info->version, keys->suite->version);
			assert_int_equal(info->cipher_type, keys->suite->kernel_cipher);
			assert_crypto_info(keys);
		}
		keys_free(keys);
	}
}

static void send_types(void **state)
{
	(void)state;
	assert_int_equal(ktls_send(FD, RECORD_DATA, "data", 4, false), 4);
	assert_int_equal(k.control_type, -1);
	assert_int_equal(k.flags, MSG_DONTWAIT | MSG_NOSIGNAL);
	assert_int_equal(ktls_send(FD, RECORD_ALERT, "\1", 2, false), 2);
	assert_int_equal(k.control_type, RECORD_ALERT);
	assert_int_equal(k.flags, MSG_DONTWAIT | MSG_NOSIGNAL);
	k.fail_errno = EAGAIN;
	assert_int_equal(ktls_send(FD, RECORD_DATA, "data", 4, false), -EAGAIN);
}

static void sends_with_more(void **state)
{
	(void)state;
	assert_int_equal(ktls_send(FD, RECORD_DATA, "data", 4, true), 4);
	assert_int_equal(k.flags, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);
}

static void sends_files(void **state)
{
	off_t off = 7;

	(void)state;
	assert_int_equal(ktls_sendfile(FD, FILE_FD, &off, 9), 9);
	assert_int_equal(off, 16);
	assert_int_equal(k.name, 0); /* no option was set */
	k.fail_errno = EIO;
	assert_int_equal(ktls_sendfile(FD, FILE_FD, &off, 9), -EIO);
	assert_int_equal(k.name, 0);
	k = (typeof(k)){ .fail_errno = EINTR, .fail_times = 3 };
	assert_int_equal(ktls_sendfile(FD, FILE_FD, &off, 9), 9);
	assert_int_equal(k.calls, 4);
}

/* What TCP before Linux 6.5 holds back leaves only when it is pushed. */
static void pushes_when_full(void **state)
{
	off_t off = 0;

	(void)state;
	k.fail_errno = EAGAIN;
	k.fail_times = 1;
	assert_int_equal(ktls_sendfile(FD, FILE_FD, &off, 9), -EAGAIN);
	assert_int_equal(off, 0);
	assert_int_equal(k.level, IPPROTO_TCP);
	assert_int_equal(k.name, TCP_NODELAY);
}

/* Many records share segments, and what is left at the end of the call leaves, full socket or not. */
static void corks_what_is_bulk(void **state)
{
	off_t off = 0;

	(void)state;
	assert_int_equal(ktls_sendfile(FD, FILE_FD, &off, 1 << 20), 1 << 20);
	assert_true(k.was_corked);
	assert_false(k.is_corked);
	k = (typeof(k)){ .fail_errno = EAGAIN, .fail_after = 1, .fail_times = 1 };
	assert_int_equal(ktls_sendfile(FD, FILE_FD, &off, 1 << 20), -EAGAIN);
	assert_int_equal(k.calls, 3);
	assert_true(k.was_corked);
	assert_false(k.is_corked);
}

static void interrupted(void **state)
{
	uint8_t type;
	char buf[8];

	(void)state;
	k.fail_errno = EINTR;
	k.fail_times = 3;
	assert_int_equal(ktls_send(FD, RECORD_DATA, "data", 4, false), 4);
	assert_int_equal(k.calls, 4);
	k.calls = 0;
	assert_int_equal(ktls_recv(FD, &type, buf, sizeof(buf)), 0);
	assert_int_equal(k.calls, 4);
}

/* Only a whole control message of the right kind makes bytes a record. */
static void control_messages(void **state)
{
	static const struct {
		int level, type;
		size_t len;
		int flags;
		ssize_t give, want;
		uint8_t want_type;
	} rows[] = {
		{ SOL, TLS_GET_RECORD_TYPE, CMSG_LEN(1), 0, 5, 5, 77 },
		{ SOL, TLS_GET_RECORD_TYPE, CMSG_LEN(1), 0, 0, 0, 77 },
		{ 0, 0, 0, 0, 0, 0, 0 }, /* the end */
		{ 0, 0, 0, 0, 5, -EIO, 0 },
		{ SOL, TLS_GET_RECORD_TYPE, CMSG_LEN(1), MSG_CTRUNC, 5, -EIO, 0 },
		{ SOL, TLS_GET_RECORD_TYPE, CMSG_LEN(0), 0, 5, -EIO, 0 },
		{ SOL, TLS_GET_RECORD_TYPE, CMSG_LEN(4), 0, 5, -EIO, 0 },
		{ SOL, TLS_SET_RECORD_TYPE, CMSG_LEN(1), 0, 5, -EIO, 0 },
		{ SOL_SOCKET, TLS_GET_RECORD_TYPE, CMSG_LEN(1), 0, 5, -EIO, 0 },
	};
	char buf[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t type = 1;

		k.give_header = (struct cmsghdr){ .cmsg_level = rows[i].level,
						  .cmsg_type = rows[i].type,
						  .cmsg_len = rows[i].len };
		k.give_type = 77;
		k.give_flags = rows[i].flags;
		k.give = rows[i].give;
		assert_int_equal(ktls_recv(FD, &type, buf, sizeof(buf)), rows[i].want);
		if (rows[i].want >= 0)
			assert_int_equal(type, rows[i].want_type);
	}
}

/* Every errno of the kernel's layer has its meaning in the channel. */
static void meanings(void **state)
{
	static const struct {
		int err;
		enum channel_result result;
		enum reason reason;
	} rows[] = {
		{ EAGAIN, CHANNEL_AGAIN, REASON_NONE },
		{ EKEYEXPIRED, CHANNEL_REKEY_WAIT, REASON_NONE },
		{ EBADMSG, CHANNEL_ERROR, REASON_BAD_RECORD_MAC },
		{ EINVAL, CHANNEL_ERROR, REASON_BAD_RECORD_HEADER },
		{ EMSGSIZE, CHANNEL_ERROR, REASON_RECORD_OVERFLOW },
		{ ENOMEM, CHANNEL_ERROR, REASON_NO_MEMORY },
		{ ENOBUFS, CHANNEL_ERROR, REASON_NO_MEMORY },
		{ ECONNRESET, CHANNEL_ERROR, REASON_PEER_RESET },
		{ EPIPE, CHANNEL_ERROR, REASON_PEER_RESET },
		{ ETIMEDOUT, CHANNEL_ERROR, REASON_PEER_RESET },
		{ EHOSTUNREACH, CHANNEL_ERROR, REASON_PEER_RESET },
		{ EIO, CHANNEL_ERROR, REASON_INTERNAL },
		{ EBADF, CHANNEL_ERROR, REASON_INTERNAL },
	};
	struct pair p;
	char buf[8];

	(void)state;
	pair_init(&p, 0x1301, FD, -1);
	assert_int_equal(channel_move_to_kernel(&p.subject, TX), 0);
	assert_int_equal(channel_move_to_kernel(&p.subject, RX), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct channel_event e;

		k.fail_errno = rows[i].err;
		e = channel_recv(&p.subject, buf, sizeof(buf));
		assert_int_equal(e.result, rows[i].result);
		assert_int_equal(e.reason, rows[i].reason);
		e = channel_send(&p.subject, RECORD_DATA, buf, sizeof(buf));
		assert_int_equal(e.result, rows[i].result);
		assert_int_equal(e.reason, rows[i].reason);
		if (e.result == CHANNEL_ERROR)
			assert_int_equal(e.err, rows[i].err);
	}
	p.subject.fd = -1;
	pair_close(&p);
}

static void moving(void **state)
{
	struct pair p;
	int fd[2];

	(void)state;
	pair_sockets(fd);
	pair_init(&p, 0xc02f, fd[0], fd[1]);
	/* Half a record, or a half taken one, keeps a direction where it is. */
	pair_seal(&p, RECORD_DATA, "onetwo", 6);
	pair_write(&p, 0, 9);
	assert_true(is_idle(&p.subject));
	assert_int_equal(channel_move_to_kernel(&p.subject, RX), -EBUSY);
	pair_write(&p, 9, p.wire_len);
	expect_bytes(&p.subject, RECORD_DATA, "one", 3);
	assert_int_equal(channel_move_to_kernel(&p.subject, RX), -EBUSY);
	expect_bytes(&p.subject, RECORD_DATA, "two", 3);
	/* Refused by the kernel: all goes on in user space. */
	p.subject.fd = FD;
	k.fail_errno = ENOMEM;
	assert_int_equal(channel_move_to_kernel(&p.subject, RX), -ENOMEM);
	assert_int_equal(channel_move_to_kernel(&p.subject, TX), -ENOMEM);
	p.subject.fd = fd[0];
	send_all(&p.peer, RECORD_DATA, "still", 5);
	expect_bytes(&p.subject, RECORD_DATA, "still", 5);
	send_all(&p.subject, RECORD_DATA, "here", 4);
	expect_bytes(&p.peer, RECORD_DATA, "here", 4);
	/* Taken: the key is forgotten, there is no way back. */
	p.subject.fd = FD;
	k.fail_errno = 0;
	for (int d = 0; d < N_DIRECTIONS; d++) {
		assert_true(keys_has_key(p.subject.side[d].keys));
		assert_int_equal(channel_move_to_kernel(&p.subject, (enum direction)d), 0);
		assert_false(keys_has_key(p.subject.side[d].keys));
		assert_int_equal(p.subject.side[d].mode, MODE_KERNEL);
		assert_int_equal(channel_move_to_kernel(&p.subject, (enum direction)d), -EBUSY);
	}
	p.subject.fd = fd[0];
	pair_close(&p);
}

static void features(void **state)
{
	uint16_t max;
	int on;

	(void)state;
	assert_int_equal(ktls_set_zerocopy(FD), 0);
	assert_int_equal(k.level, SOL);
	assert_int_equal(k.name, 3);
	memcpy(&on, k.option, sizeof(on));
	assert_int_equal(on, 1);
	assert_int_equal(ktls_set_no_pad(FD), 0);
	assert_int_equal(k.name, 4);
	assert_int_equal(ktls_set_max_payload(FD, 1024), 0);
	assert_int_equal(k.name, 5);
	assert_int_equal(k.option_len, sizeof(max));
	memcpy(&max, k.option, sizeof(max));
	assert_int_equal(max, 1024);
	k.fail_errno = ENOPROTOOPT;
	assert_int_equal(ktls_set_no_pad(FD), -ENOPROTOOPT);
	assert_int_equal(ktls_set_max_payload(FD, 1024), -ENOPROTOOPT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(attach, reset),
		cmocka_unit_test_setup(install, reset),
		cmocka_unit_test_setup(send_types, reset),
		cmocka_unit_test_setup(sends_with_more, reset),
		cmocka_unit_test_setup(sends_files, reset),
		cmocka_unit_test_setup(pushes_when_full, reset),
		cmocka_unit_test_setup(corks_what_is_bulk, reset),
		cmocka_unit_test_setup(interrupted, reset),
		cmocka_unit_test_setup(control_messages, reset),
		cmocka_unit_test_setup(meanings, reset),
		cmocka_unit_test_setup(moving, reset),
		cmocka_unit_test_setup(features, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
