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

#include "ktls.h"

enum { KEY = 0x11, NEXT_KEY = 0x33, DATA = 23 };

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
	struct sockaddr *any = (struct sockaddr *)&address;
	int listener = ktls_listen(any, sizeof(address));

	ktls_connect(listener, any, sizeof(address), &s->subject, &s->peer);
	return 0;
}

static int do_ulp(struct state *s)
{
	int r = ktls_attach(s->subject);

	return r ? r : ktls_attach(s->peer);
}

static int do_ulp_unconnected(struct state *s)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = ktls_attach(fd);

	(void)s;
	close(fd);
	return r;
}

static int install(int fd, int direction, uint8_t key, uint16_t cipher)
{
	const struct tls_crypto_info head = { .version = TLS_1_3_VERSION, .cipher_type = cipher };

	return ktls_install(fd, direction, head, sizeof(struct tls12_crypto_info_aes_gcm_128), key,
			    0);
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

/* Many of which no two are alike: other versions, and ciphers that no kernel has. 0: each was refused. */
static int do_keys_made_up(struct state *s)
{
	for (uint16_t i = 0; i < 300; i++) {
		const struct tls_crypto_info head = {
			.version = i % 3 ? 0x1000 + i : TLS_1_3_VERSION - i % 2,
			.cipher_type = 0x2000 + i,
		};

		if (ktls_install(s->subject, TLS_TX, head,
				 sizeof(struct tls12_crypto_info_aes_gcm_128), KEY, 0) != EINVAL)
			return EPROTO;
	}
	return 0;
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

/* To the peer, which wants another key after it. */
static int do_key_update(struct state *s)
{
	return ktls_key_update(s->subject, s->peer);
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
	printf("cookie=%llu\n", (unsigned long long)ktls_cookie(s->subject));
	return 0;
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
	{ "keys-made-up", do_keys_made_up },
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
