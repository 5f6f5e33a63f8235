/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does to kernel-TLS sockets what seldom happens, one step after the other, as told by words:
 *   ktls_trouble STEP...
 * and says of each "step=STEP error=ERRNO_NAME|0". Steps work on a connection over loopback with
 * the ends "subject" and "peer"; "connect" makes a new one, and the old one stays open until the
 * end or "close". "hold" waits until a line comes on stdin, "cookie" says "cookie=N" of the subject.
 * Shares no code with the project: what the project says is compared with it.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KEY = 0x11, NEXT_KEY = 0x33, HANDSHAKE = 22, DATA = 23 };

struct state {
	int subject, peer;
};

static int error(bool failed)
{
	return failed ? errno : 0;
}

static int do_connect(struct state *s)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	s->subject = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&address, &len) ||
	    connect(s->subject, (struct sockaddr *)&address, len))
		err(1, "connect");
	s->peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	return error(s->peer < 0);
}

static int do_ulp(struct state *s)
{
	return error(setsockopt(s->subject, SOL_TCP, TCP_ULP, "tls", 3) ||
		     setsockopt(s->peer, SOL_TCP, TCP_ULP, "tls", 3));
}

static int do_ulp_unconnected(struct state *s)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = error(setsockopt(fd, SOL_TCP, TCP_ULP, "tls", 3));

	(void)s;
	close(fd);
	return r;
}

static int install(int fd, int direction, uint8_t key, uint16_t cipher)
{
	struct tls12_crypto_info_aes_gcm_128 info;

	memset(&info, key, sizeof(info));
	memset(info.rec_seq, 0, sizeof(info.rec_seq));
	info.info = (struct tls_crypto_info){ .version = TLS_1_3_VERSION, .cipher_type = cipher };
	return error(setsockopt(fd, SOL_TLS, direction, &info, sizeof(info)));
}

static int do_keys_tx(struct state *s)
{
	return install(s->subject, TLS_TX, KEY, TLS_CIPHER_AES_GCM_128);
}

static int do_keys_rx(struct state *s)
{
	return install(s->peer, TLS_RX, KEY, TLS_CIPHER_AES_GCM_128);
}

/* No kernel has such a cipher. */
static int do_keys_strange(struct state *s)
{
	return install(s->subject, TLS_TX, KEY, 0x4444);
}

/* Of a module that other ciphers can do without. */
static int do_keys_ccm(struct state *s)
{
	return install(s->subject, TLS_TX, KEY, TLS_CIPHER_AES_CCM_128);
}

/* The receiver's first, or it takes what comes for damaged. */
static int do_rekey_rx(struct state *s)
{
	return install(s->peer, TLS_RX, NEXT_KEY, TLS_CIPHER_AES_GCM_128);
}

static int do_rekey_tx(struct state *s)
{
	return install(s->subject, TLS_TX, NEXT_KEY, TLS_CIPHER_AES_GCM_128);
}

static int do_read_keys(struct state *s)
{
	struct tls12_crypto_info_aes_gcm_128 info;
	socklen_t len = sizeof(info);

	return error(getsockopt(s->subject, SOL_TLS, TLS_TX, &info, &len));
}

static int do_record(struct state *s)
{
	char sent[1000] = "a record", got[sizeof(sent)];

	if (send(s->subject, sent, sizeof(sent), 0) != sizeof(sent) ||
	    recv(s->peer, got, sizeof(got), MSG_WAITALL) != sizeof(got))
		return errno;
	return memcmp(sent, got, sizeof(sent)) ? EBADMSG : 0;
}

/* A KeyUpdate (RFC 8446 4.6.3) to the peer, after which it wants another key. */
static int do_key_update(struct state *s)
{
	uint8_t body[] = { 24, 0, 0, 1, 0 };
	union {
		struct cmsghdr header;
		uint8_t room[CMSG_SPACE(1)];
	} control = { .header = { .cmsg_level = SOL_TLS,
				  .cmsg_type = TLS_SET_RECORD_TYPE,
				  .cmsg_len = CMSG_LEN(1) } };
	struct iovec vector = { .iov_base = body, .iov_len = sizeof(body) };
	struct msghdr message = { .msg_iov = &vector,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	*CMSG_DATA(&control.header) = HANDSHAKE;
	if (sendmsg(s->subject, &message, 0) != sizeof(body))
		return errno;
	message.msg_controllen = sizeof(control);
	return error(recvmsg(s->peer, &message, 0) != sizeof(body));
}

/* From a subject without keys to a peer that has some: what the kernel must refuse. */
static int send_raw(struct state *s, uint16_t len)
{
	uint8_t record[105] = { DATA, 3, 3, (uint8_t)(len >> 8), (uint8_t)len }, got[1];

	if (send(s->subject, record, sizeof(record), 0) != sizeof(record))
		return errno;
	return error(recv(s->peer, got, sizeof(got), 0) < 0);
}

static int do_garbage(struct state *s)
{
	return send_raw(s, 100);
}

static int do_too_long(struct state *s)
{
	return send_raw(s, 0x7fff);
}

/* Taken by the kernel, never sent. */
static int do_more(struct state *s)
{
	return error(send(s->subject, "abc", 3, MSG_MORE) != 3);
}

static int do_close(struct state *s)
{
	close(s->subject);
	close(s->peer);
	return 0;
}

static int do_cookie(struct state *s)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	int r = error(getsockopt(s->subject, SOL_SOCKET, SO_COOKIE, &cookie, &len));

	printf("cookie=%llu\n", (unsigned long long)cookie);
	return r;
}

static int do_hold(struct state *s)
{
	char line[16];

	(void)s;
	return fgets(line, sizeof(line), stdin) ? 0 : EPIPE;
}

static const struct step {
	const char *name;
	int (*run)(struct state *s);
} steps[] = {
	{ "connect", do_connect },
	{ "ulp", do_ulp },
	{ "ulp-unconnected", do_ulp_unconnected },
	{ "keys-tx", do_keys_tx },
	{ "keys-rx", do_keys_rx },
	{ "keys-strange", do_keys_strange },
	{ "keys-ccm", do_keys_ccm },
	{ "key-update", do_key_update },
	{ "rekey-rx", do_rekey_rx },
	{ "rekey-tx", do_rekey_tx },
	{ "read-keys", do_read_keys },
	{ "record", do_record },
	{ "garbage", do_garbage },
	{ "too-long", do_too_long },
	{ "more", do_more },
	{ "close", do_close },
	{ "cookie", do_cookie },
	{ "hold", do_hold },
};

static void run(const char *name, struct state *s)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (!strcmp(steps[i].name, name)) {
			int r = steps[i].run(s);

			printf("step=%s error=%s\n", name, r ? strerrorname_np(r) : "0");
			fflush(stdout);
			return;
		}
	errx(2, "no step %s", name);
}

int main(int argc, char **argv)
{
	struct state s = { .subject = -1, .peer = -1 };

	for (int i = 1; i < argc; i++)
		run(argv[i], &s);
	return 0;
}
