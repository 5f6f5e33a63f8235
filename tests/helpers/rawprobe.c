/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this kernel's TLS can do, asked with bare system calls: the kernel protects one direction
 * of a loopback connection, OpenSSL's AEADs make or open the records of the other end. Shares no
 * code with the project; what `ktlsctl probe` says is compared with it. One line for TCP_ULP,
 * then one for every version, cipher and direction; "no" is followed by the errno.
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
#include <sys/time.h>
#include <unistd.h>

#include "seal.h"

#ifndef TLS_TX_ZEROCOPY_RO
#define TLS_TX_ZEROCOPY_RO 3
#endif
#ifndef TLS_RX_EXPECT_NO_PAD
#define TLS_RX_EXPECT_NO_PAD 4
#endif
enum { TX_MAX_PAYLOAD_LEN = 5 }; /* in the headers of no Debian release yet */

enum { SIZE = 1000 };

static const uint16_t kernel_ciphers[SEAL_N_CIPHERS] = {
	TLS_CIPHER_AES_GCM_128,
	TLS_CIPHER_AES_GCM_256,
	TLS_CIPHER_CHACHA20_POLY1305,
	TLS_CIPHER_AES_CCM_128,
};

struct pair {
	int kernel, plain; /* the end with TLS, and the one without */
	bool tx;	   /* the kernel's end sends */
	uint16_t cipher;   /* the kernel's number */
	struct seal s;
};

/* ---- sockets ---- */

static void connect_pair(struct pair *p)
{
	const struct timeval patience = { .tv_sec = 5 };
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	p->kernel = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || p->kernel < 0 || bind(listener, (struct sockaddr *)&in, len) ||
	    listen(listener, 1) || getsockname(listener, (struct sockaddr *)&in, &len) ||
	    connect(p->kernel, (struct sockaddr *)&in, len))
		err(1, "loopback");
	p->plain = accept(listener, NULL, NULL);
	if (p->plain < 0)
		err(1, "accept");
	close(listener);
	setsockopt(p->kernel, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(p->plain, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

static int attach(int fd)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) ? errno : 0;
}

/*
 * All tls12_crypto_info_* are version, cipher, IV, key, salt, sequence number, without gaps; salt
 * and IV make the nonce.
 */
static int install(const struct pair *p)
{
	const struct tls_crypto_info head = { .version = p->s.version, .cipher_type = p->cipher };
	size_t salt_len = p->s.c->salt_len % 12; /* ChaCha20 has no salt in the kernel */
	uint8_t info[128], *at = info;

	memcpy(at, &head, sizeof(head));
	at += sizeof(head);
	memcpy(at, p->s.nonce + salt_len, 12 - salt_len);
	at += 12 - salt_len;
	memcpy(at, p->s.key, p->s.c->key_len);
	at += p->s.c->key_len;
	memcpy(at, p->s.nonce, salt_len);
	at += salt_len;
	seal_put_be64(at, p->s.seq);
	at += 8;
	return setsockopt(p->kernel, SOL_TLS, p->tx ? TLS_TX : TLS_RX, info,
			  (socklen_t)(at - info)) ?
		       errno :
		       0;
}

static void new_keys(struct seal *s, uint8_t first)
{
	for (size_t i = 0; i < sizeof(s->key); i++)
		s->key[i] = (uint8_t)(first + i * 7);
	for (size_t i = 0; i < sizeof(s->nonce); i++)
		s->nonce[i] = (uint8_t)(first + i * 13);
	s->seq = 0;
}

/* ---- the end without TLS ---- */

static int send_record(struct pair *p, uint8_t type, const uint8_t *data, size_t len)
{
	static uint8_t record[SEAL_RECORD_MAX];
	size_t total = seal_make(&p->s, type, data, len, record);

	if (!total)
		errx(1, "cannot seal");
	return send(p->plain, record, total, 0) == (ssize_t)total ? 0 : errno;
}

static int receive_all(int fd, uint8_t *p, size_t len)
{
	ssize_t n = recv(fd, p, len, MSG_WAITALL);

	return n == (ssize_t)len ? 0 : n < 0 ? errno : EPIPE;
}

/* Reads a record, which must hold these bytes. */
static int open_record(struct pair *p, uint8_t type, const uint8_t *data, size_t len)
{
	static uint8_t record[SEAL_RECORD_MAX];
	uint8_t *got, got_type;
	size_t body, n;
	int e = receive_all(p->plain, record, SEAL_HEADER_LEN);

	if (e)
		return e;
	body = (size_t)record[3] << 8 | record[4];
	if (body > sizeof(record) - SEAL_HEADER_LEN)
		return EMSGSIZE;
	e = receive_all(p->plain, record + SEAL_HEADER_LEN, body);
	if (!e)
		e = seal_open(&p->s, record, SEAL_HEADER_LEN + body, &got_type, &got, &n);
	if (e)
		return e;
	return got_type == type && n == len && !memcmp(got, data, len) ? 0 : EBADMSG;
}

/* ---- the kernel's end ---- */

static int kernel_send(int fd, uint8_t type, const uint8_t *data, size_t len)
{
	char control[CMSG_SPACE(1)] = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_TLS;
	c->cmsg_type = TLS_SET_RECORD_TYPE;
	c->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(c) = type;
	return sendmsg(fd, &m, 0) == (ssize_t)len ? 0 : errno;
}

static int kernel_receive(int fd, uint8_t type, const uint8_t *data, size_t len)
{
	uint8_t got[SIZE + 1];
	char control[CMSG_SPACE(1)];
	struct iovec iov = { .iov_base = got, .iov_len = sizeof(got) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t n = recvmsg(fd, &m, 0);

	if (n < 0)
		return errno;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_level != SOL_TLS || c->cmsg_type != TLS_GET_RECORD_TYPE ||
	    *CMSG_DATA(c) != type)
		return EPROTO;
	return n == (ssize_t)len && !memcmp(got, data, len) ? 0 : EBADMSG;
}

static int cross(struct pair *p, uint8_t type, const uint8_t *data, size_t len)
{
	int e = p->tx ? kernel_send(p->kernel, type, data, len) : send_record(p, type, data, len);

	if (e)
		return e;
	return p->tx ? open_record(p, type, data, len) : kernel_receive(p->kernel, type, data, len);
}

static int cross_data(struct pair *p)
{
	uint8_t data[SIZE];
	int e = 0;

	for (size_t len = 1; len <= SIZE && !e; len = len * 10) {
		memset(data, (int)len, len);
		e = cross(p, SEAL_DATA, data, len);
	}
	return e;
}

/* ---- questions ---- */

enum feature { F_DATA, F_REKEY, F_ZEROCOPY, F_NOPAD, F_MAX_PAYLOAD, N_FEATURES };

static int ask_rekey(struct pair *p)
{
	static const uint8_t update[] = { 24, 0, 0, 1, 0 };
	int e = cross(p, SEAL_HANDSHAKE, update, sizeof(update));

	if (e)
		return e;
	new_keys(&p->s, 0x61);
	e = install(p);
	return e ? e : cross_data(p);
}

static int ask_flag(const struct pair *p, int name)
{
	int on = 1;
	uint16_t max = 16384;
	const void *value = name == TX_MAX_PAYLOAD_LEN ? (const void *)&max : &on;
	socklen_t len = name == TX_MAX_PAYLOAD_LEN ? sizeof(max) : sizeof(on);

	return setsockopt(p->kernel, SOL_TLS, name, value, len) ? errno : 0;
}

/* A connection of its own for every question. */
static int ask(int cipher, uint16_t version, bool tx, enum feature f)
{
	struct pair p = { .tx = tx,
			  .cipher = kernel_ciphers[cipher],
			  .s = { .c = &seal_ciphers[cipher], .version = version } };
	int e;

	connect_pair(&p);
	new_keys(&p.s, 0x11);
	e = attach(p.kernel);
	if (!e)
		e = install(&p);
	if (!e)
		e = f == F_DATA	    ? cross_data(&p) :
		    f == F_REKEY    ? ask_rekey(&p) :
		    f == F_ZEROCOPY ? ask_flag(&p, TLS_TX_ZEROCOPY_RO) :
		    f == F_NOPAD    ? ask_flag(&p, TLS_RX_EXPECT_NO_PAD) :
				      ask_flag(&p, TX_MAX_PAYLOAD_LEN);
	close(p.kernel);
	close(p.plain);
	return e;
}

static bool applies(enum feature f, uint16_t version, bool tx)
{
	return f == F_DATA || (f == F_REKEY && version == SEAL_TLS13) || (f == F_ZEROCOPY && tx) ||
	       (f == F_MAX_PAYLOAD && tx) || (f == F_NOPAD && !tx && version == SEAL_TLS13);
}

static void print_answer(int e)
{
	printf(e ? " no:%s" : " yes", strerrorname_np(e));
}

static void print_line(int cipher, uint16_t version, bool tx)
{
	int e = ask(cipher, version, tx, F_DATA);

	printf("1.%d %s %s", version - SEAL_TLS12 + 2, seal_ciphers[cipher].name, tx ? "tx" : "rx");
	print_answer(e);
	for (enum feature f = F_REKEY; f < N_FEATURES; f++)
		if (e || !applies(f, version, tx))
			fputs(" -", stdout);
		else
			print_answer(ask(cipher, version, tx, f));
	putchar('\n');
}

int main(void)
{
	struct pair p;

	connect_pair(&p);
	fputs("ulp", stdout);
	print_answer(attach(p.kernel));
	putchar('\n');
	for (uint16_t version = SEAL_TLS12; version <= SEAL_TLS13; version++)
		for (int i = 0; i < SEAL_N_CIPHERS; i++)
			for (int tx = 1; tx >= 0; tx--)
				print_line(i, version, tx);
	return 0;
}
