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
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef TLS_TX_ZEROCOPY_RO
#define TLS_TX_ZEROCOPY_RO 3
#endif
#ifndef TLS_RX_EXPECT_NO_PAD
#define TLS_RX_EXPECT_NO_PAD 4
#endif
enum { TX_MAX_PAYLOAD_LEN = 5 }; /* in the headers of no Debian release yet */

enum { V12 = 0x0303, V13 = 0x0304, HANDSHAKE = 22, DATA = 23, TAG_LEN = 16, HEADER_LEN = 5 };
enum { SIZE = 1000, RECORD_MAX = HEADER_LEN + 8 + SIZE + 1 + TAG_LEN };

struct cipher {
	const char *name;
	uint16_t type;
	const EVP_CIPHER *(*evp)(void);
	size_t key_len, salt_len, iv_len;
};

static const struct cipher ciphers[] = {
	{ "aes-gcm-128", TLS_CIPHER_AES_GCM_128, EVP_aes_128_gcm, 16, 4, 8 },
	{ "aes-gcm-256", TLS_CIPHER_AES_GCM_256, EVP_aes_256_gcm, 32, 4, 8 },
	{ "chacha20-poly1305", TLS_CIPHER_CHACHA20_POLY1305, EVP_chacha20_poly1305, 32, 0, 12 },
	{ "aes-ccm-128", TLS_CIPHER_AES_CCM_128, EVP_aes_128_ccm, 16, 4, 8 },
};

/* One direction's protection, as both ends know it. */
struct keys {
	const struct cipher *c;
	uint16_t version;
	uint8_t key[32], nonce[12]; /* salt and IV in a row */
	uint64_t seq;
};

struct pair {
	int kernel, plain; /* the end with TLS, and the one without */
	bool tx;	   /* the kernel's end sends */
	struct keys k;
};

/* ---- sockets ---- */

static void connect_pair(struct pair *p)
{
	const struct timeval patience = { .tv_sec = 5 };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
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

/* All tls12_crypto_info_* are version, cipher, IV, key, salt, sequence number, without gaps. */
static int install(const struct pair *p)
{
	const struct tls_crypto_info head = { .version = p->k.version, .cipher_type = p->k.c->type };
	const struct cipher *c = p->k.c;
	uint8_t info[128], *at = info;

	memcpy(at, &head, sizeof(head));
	at += sizeof(head);
	memcpy(at, p->k.nonce + c->salt_len, c->iv_len);
	at += c->iv_len;
	memcpy(at, p->k.key, c->key_len);
	at += c->key_len;
	memcpy(at, p->k.nonce, c->salt_len);
	at += c->salt_len;
	for (int i = 0; i < 8; i++)
		*at++ = (uint8_t)(p->k.seq >> (56 - 8 * i));
	return setsockopt(p->kernel, SOL_TLS, p->tx ? TLS_TX : TLS_RX, info, (socklen_t)(at - info)) ?
		       errno :
		       0;
}

static void new_keys(struct keys *k, uint8_t first)
{
	for (size_t i = 0; i < sizeof(k->key); i++)
		k->key[i] = (uint8_t)(first + i * 7);
	for (size_t i = 0; i < sizeof(k->nonce); i++)
		k->nonce[i] = (uint8_t)(first + i * 13);
	k->seq = 0;
}

/* ---- records, RFC 8446 5.2 and RFC 5246 6.2.3.3 ---- */

/* TLS 1.2 with GCM or CCM sends eight bytes of the nonce along. */
static bool has_explicit_nonce(const struct keys *k)
{
	return k->version == V12 && k->c->iv_len == 8;
}

static void make_nonce(const struct keys *k, const uint8_t *explicit_nonce, uint8_t nonce[12])
{
	memcpy(nonce, k->nonce, 12);
	if (explicit_nonce) {
		memcpy(nonce + 4, explicit_nonce, 8);
		return;
	}
	for (int i = 0; i < 8; i++)
		nonce[11 - i] ^= (uint8_t)(k->seq >> 8 * i);
}

static size_t make_aad(const struct keys *k, uint8_t type, size_t plain_len, uint8_t aad[13])
{
	size_t len = plain_len + TAG_LEN;

	if (k->version == V13) {
		memcpy(aad, (uint8_t[]){ DATA, 3, 3, (uint8_t)(len >> 8), (uint8_t)len }, 5);
		return 5;
	}
	for (int i = 0; i < 8; i++)
		aad[i] = (uint8_t)(k->seq >> (56 - 8 * i));
	memcpy(aad + 8, (uint8_t[]){ type, 3, 3, (uint8_t)(plain_len >> 8), (uint8_t)plain_len }, 5);
	return 13;
}

/* Seals or opens in place, the tag behind it. 0 or EBADMSG. */
static int aead(const struct keys *k, bool seal, const uint8_t nonce[12], const uint8_t *aad,
		size_t aad_len, uint8_t *p, size_t len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ccm = k->c->type == TLS_CIPHER_AES_CCM_128, ok;
	int n;

	ok = ctx && EVP_CipherInit_ex(ctx, k->c->evp(), NULL, NULL, NULL, seal) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) &&
	     (seal && !ccm ? 1 :
			     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN,
						 seal ? NULL : p + len)) &&
	     EVP_CipherInit_ex(ctx, NULL, NULL, k->key, nonce, seal) &&
	     (!ccm || EVP_CipherUpdate(ctx, NULL, &n, NULL, (int)len)) &&
	     EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_len) &&
	     EVP_CipherUpdate(ctx, p, &n, p, (int)len) == 1 &&
	     (ccm || EVP_CipherFinal_ex(ctx, p + len, &n) == 1) &&
	     (!seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, p + len));
	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : EBADMSG;
}

/* Writes a record of that type to the end without TLS. */
static int send_record(struct pair *p, uint8_t type, const uint8_t *data, size_t len)
{
	uint8_t record[RECORD_MAX], nonce[12], aad[13], *body = record + HEADER_LEN;
	size_t total, aad_len;

	if (has_explicit_nonce(&p->k)) {
		memcpy(body, &p->k.seq, 8);
		make_nonce(&p->k, body, nonce);
		body += 8;
	} else {
		make_nonce(&p->k, NULL, nonce);
	}
	memcpy(body, data, len);
	if (p->k.version == V13)
		body[len++] = type;
	aad_len = make_aad(&p->k, type, len, aad);
	if (aead(&p->k, true, nonce, aad, aad_len, body, len))
		errx(1, "cannot seal");
	p->k.seq++;
	total = (size_t)(body - record) + len + TAG_LEN;
	record[0] = p->k.version == V13 ? DATA : type;
	record[1] = record[2] = 3;
	record[3] = (uint8_t)((total - HEADER_LEN) >> 8);
	record[4] = (uint8_t)(total - HEADER_LEN);
	return send(p->plain, record, total, 0) == (ssize_t)total ? 0 : errno;
}

static int receive_all(int fd, uint8_t *p, size_t len)
{
	ssize_t n = recv(fd, p, len, MSG_WAITALL);

	return n == (ssize_t)len ? 0 : n < 0 ? errno : EPIPE;
}

/* Reads a record from the end without TLS; it must hold these bytes. */
static int open_record(struct pair *p, uint8_t type, const uint8_t *data, size_t len)
{
	uint8_t record[RECORD_MAX], nonce[12], aad[13], *body = record + HEADER_LEN;
	size_t aad_len, total;
	int e = receive_all(p->plain, record, HEADER_LEN);

	if (e)
		return e;
	total = (size_t)record[3] << 8 | record[4];
	if (total > sizeof(record) - HEADER_LEN)
		return EMSGSIZE;
	e = receive_all(p->plain, body, total);
	if (e)
		return e;
	if (has_explicit_nonce(&p->k)) {
		make_nonce(&p->k, body, nonce);
		body += 8;
		total -= 8;
	} else {
		make_nonce(&p->k, NULL, nonce);
	}
	total -= TAG_LEN;
	aad_len = make_aad(&p->k, type, total, aad);
	if (aead(&p->k, false, nonce, aad, aad_len, body, total))
		return EBADMSG;
	p->k.seq++;
	if (p->k.version == V13 && body[--total] != type)
		return EPROTO;
	return total == len && !memcmp(body, data, len) ? 0 : EBADMSG;
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
	return p->tx ? open_record(p, type, data, len) :
		       kernel_receive(p->kernel, type, data, len);
}

static int cross_data(struct pair *p)
{
	uint8_t data[SIZE];
	int e = 0;

	for (size_t len = 1; len <= SIZE && !e; len = len * 10) {
		memset(data, (int)len, len);
		e = cross(p, DATA, data, len);
	}
	return e;
}

/* ---- questions ---- */

enum feature { F_DATA, F_REKEY, F_ZEROCOPY, F_NOPAD, F_MAX_PAYLOAD, N_FEATURES };

static int ask_rekey(struct pair *p)
{
	static const uint8_t update[] = { 24, 0, 0, 1, 0 };
	int e = cross(p, HANDSHAKE, update, sizeof(update));

	if (e)
		return e;
	new_keys(&p->k, 0x61);
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
static int ask(const struct cipher *c, uint16_t version, bool tx, enum feature f)
{
	struct pair p = { .tx = tx, .k = { .c = c, .version = version } };
	int e;

	connect_pair(&p);
	new_keys(&p.k, 0x11);
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
	return f == F_DATA || (f == F_REKEY && version == V13) || (f == F_ZEROCOPY && tx) ||
	       (f == F_MAX_PAYLOAD && tx) || (f == F_NOPAD && !tx && version == V13);
}

static void print_answer(int e)
{
	printf(e ? " no:%s" : " yes", strerrorname_np(e));
}

static void print_line(const struct cipher *c, uint16_t version, bool tx)
{
	int e = ask(c, version, tx, F_DATA);

	printf("1.%d %s %s", version - V12 + 2, c->name, tx ? "tx" : "rx");
	print_answer(e);
	for (enum feature f = F_REKEY; f < N_FEATURES; f++)
		if (e || !applies(f, version, tx))
			fputs(" -", stdout);
		else
			print_answer(ask(c, version, tx, f));
	putchar('\n');
}

int main(void)
{
	struct pair p;

	connect_pair(&p);
	fputs("ulp", stdout);
	print_answer(attach(p.kernel));
	putchar('\n');
	for (uint16_t version = V12; version <= V13; version++)
		for (size_t i = 0; i < sizeof(ciphers) / sizeof(*ciphers); i++)
			for (int tx = 1; tx >= 0; tx--)
				print_line(&ciphers[i], version, tx);
	return 0;
}
