/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes one kernel-TLS connection over loopback with fixed keys, sends records through it, says
 * on stdout what it made, prints READY and holds it until stdin closes. Shares no code with the
 * project: it is what the project's own answers are compared with.
 *
 * Two sockets, "subject" and "peer". The subject gets keys for the directions asked for, the
 * peer those for the other end, so the records are really encrypted and decrypted.
 */
#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef TLS_RX_EXPECT_NO_PAD
#define TLS_RX_EXPECT_NO_PAD 4
#endif

enum { MAX_RECORD = 16384, HANDSHAKE = 22, KEY_FROM_SUBJECT = 0x11, KEY_FROM_PEER = 0x22 };

struct cipher {
	const char *name;
	uint16_t type;
	size_t info_len; /* of its tls12_crypto_info_*, which ends with rec_seq in all of them */
};

struct options {
	uint16_t version;
	const struct cipher *cipher;
	bool tx, rx; /* of the subject */
	uint64_t seq;
	unsigned int n_records;
	bool ipv6, no_pad, zero_copy, key_update;
};

static const struct cipher ciphers[] = {
	{ "aes-gcm-128", TLS_CIPHER_AES_GCM_128, sizeof(struct tls12_crypto_info_aes_gcm_128) },
	{ "aes-gcm-256", TLS_CIPHER_AES_GCM_256, sizeof(struct tls12_crypto_info_aes_gcm_256) },
	{ "aes-ccm-128", TLS_CIPHER_AES_CCM_128, sizeof(struct tls12_crypto_info_aes_ccm_128) },
	{ "chacha20-poly1305", TLS_CIPHER_CHACHA20_POLY1305,
	  sizeof(struct tls12_crypto_info_chacha20_poly1305) },
};

static const struct cipher *find_cipher(const char *name)
{
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(*ciphers); i++)
		if (!strcmp(ciphers[i].name, name))
			return &ciphers[i];
	errx(2, "no cipher %s", name);
}

/* Connects a subject and a peer over loopback. */
static void make_connection(const struct options *o, int *subject, int *peer)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr *address = o->ipv6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in;
	socklen_t len = o->ipv6 ? sizeof(in6) : sizeof(in);
	int family = o->ipv6 ? AF_INET6 : AF_INET;
	int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || bind(listener, address, len) || listen(listener, 1) ||
	    getsockname(listener, address, &len))
		err(1, "listen");
	*subject = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*subject < 0 || connect(*subject, address, len))
		err(1, "connect");
	*peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (*peer < 0)
		err(1, "accept");
	close(listener);
}

static void install_key(int fd, int direction, const struct options *o, uint8_t key)
{
	uint8_t info[64];
	const struct tls_crypto_info head = { .version = o->version,
					      .cipher_type = o->cipher->type };

	/* One octet for key, salt and IV: enough for two ends of a test to agree on. */
	memset(info, key, sizeof(info));
	memcpy(info, &head, sizeof(head));
	for (size_t i = 0; i < 8; i++)
		info[o->cipher->info_len - 1 - i] = (uint8_t)(o->seq >> 8 * i);
	if (setsockopt(fd, SOL_TLS, direction, info, (socklen_t)o->cipher->info_len))
		err(1, "%s %s", direction == TLS_TX ? "TLS_TX" : "TLS_RX", o->cipher->name);
}

static void set_flag(int fd, int option, const char *name)
{
	int on = 1;

	if (setsockopt(fd, SOL_TLS, option, &on, sizeof(on)))
		err(1, "%s", name);
}

static void install_keys(int subject, int peer, const struct options *o)
{
	if (setsockopt(subject, SOL_TCP, TCP_ULP, "tls", sizeof("tls")) ||
	    setsockopt(peer, SOL_TCP, TCP_ULP, "tls", sizeof("tls")))
		err(1, "TCP_ULP");
	if (o->tx) {
		install_key(subject, TLS_TX, o, KEY_FROM_SUBJECT);
		install_key(peer, TLS_RX, o, KEY_FROM_SUBJECT);
	}
	if (o->rx) {
		install_key(subject, TLS_RX, o, KEY_FROM_PEER);
		install_key(peer, TLS_TX, o, KEY_FROM_PEER);
	}
	if (o->no_pad)
		set_flag(subject, TLS_RX_EXPECT_NO_PAD, "TLS_RX_EXPECT_NO_PAD");
	if (o->zero_copy)
		set_flag(subject, TLS_TX_ZEROCOPY_RO, "TLS_TX_ZEROCOPY_RO");
}

/* Each send() of at most 16384 bytes is one record. */
static void send_records(int from, int to, unsigned int n_records)
{
	uint8_t sent[MAX_RECORD], got[MAX_RECORD];

	for (unsigned int i = 0; i < n_records; i++) {
		size_t len = 1 + (i * 4099U) % MAX_RECORD;

		memset(sent, (int)(i + 1), len);
		if (send(from, sent, len, 0) != (ssize_t)len)
			err(1, "send of record %u", i);
		if (recv(to, got, len, MSG_WAITALL) != (ssize_t)len)
			err(1, "recv of record %u", i);
		if (memcmp(sent, got, len))
			errx(1, "record %u arrived changed", i);
	}
}

/* A TLS 1.3 KeyUpdate (RFC 8446 4.6.3), received as the control record it is. */
static void send_key_update(int from, int to)
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

	*CMSG_DATA(&control.header) = HANDSHAKE;
	if (sendmsg(from, &message, 0) != sizeof(body))
		err(1, "send of the KeyUpdate");
	message.msg_iov = &in;
	message.msg_controllen = sizeof(control);
	if (recvmsg(to, &message, 0) != sizeof(body))
		err(1, "recv of the KeyUpdate");
	if (control.header.cmsg_type != TLS_GET_RECORD_TYPE ||
	    *CMSG_DATA(&control.header) != HANDSHAKE || memcmp(body, got, sizeof(body)))
		errx(1, "the KeyUpdate arrived changed");
}

static unsigned int read_port(int fd, bool remote)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	int r = remote ? getpeername(fd, (struct sockaddr *)&address, &len) :
			 getsockname(fd, (struct sockaddr *)&address, &len);

	if (r)
		err(1, "address");
	/* The port stands at the same place in both families. */
	return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static void describe(const char *name, int fd, unsigned int tx_records, unsigned int rx_records)
{
	uint64_t cookie;
	socklen_t len = sizeof(cookie);
	struct stat st;

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) || fstat(fd, &st))
		err(1, "describe");
	printf("socket=%s cookie=%llu inode=%llu uid=%u local_port=%u remote_port=%u "
	       "tx_records=%u rx_records=%u\n",
	       name, (unsigned long long)cookie, (unsigned long long)st.st_ino, st.st_uid,
	       read_port(fd, false), read_port(fd, true), tx_records, rx_records);
}

static void set_directions(struct options *o, const char *name)
{
	o->tx = !strcmp(name, "tx") || !strcmp(name, "both");
	o->rx = !strcmp(name, "rx") || !strcmp(name, "both");
	if (!o->tx && !o->rx && strcmp(name, "none"))
		errx(2, "directions are tx, rx, both or none");
}

static void parse(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "V:c:d:s:n:6pzu")) != -1) {
		switch (c) {
		case 'V':
			o->version = strcmp(optarg, "1.2") ? TLS_1_3_VERSION : TLS_1_2_VERSION;
			break;
		case 'c':
			o->cipher = find_cipher(optarg);
			break;
		case 'd':
			set_directions(o, optarg);
			break;
		case 's':
			o->seq = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			o->n_records = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case '6':
			o->ipv6 = true;
			break;
		case 'p':
			o->no_pad = true;
			break;
		case 'z':
			o->zero_copy = true;
			break;
		case 'u':
			o->key_update = true;
			break;
		default:
			errx(2, "usage: ktls_pair [-V 1.2|1.3] [-c CIPHER] [-d tx|rx|both|none] "
				"[-s SEQ] [-n RECORDS] [-6] [-p no-pad] [-z zero-copy] "
				"[-u KeyUpdate to the subject]");
		}
	}
}

int main(int argc, char **argv)
{
	struct options o = {
		.version = TLS_1_3_VERSION, .cipher = &ciphers[0], .tx = true, .rx = true
	};
	unsigned int tx_records, rx_records;
	int subject, peer;
	char end;

	parse(argc, argv, &o);
	make_connection(&o, &subject, &peer);
	install_keys(subject, peer, &o);
	tx_records = o.tx ? o.n_records : 0;
	rx_records = o.rx ? o.n_records : 0;
	send_records(subject, peer, tx_records);
	send_records(peer, subject, rx_records);
	if (o.key_update) {
		send_key_update(peer, subject);
		rx_records++;
	}
	describe("subject", subject, tx_records, rx_records);
	describe("peer", peer, rx_records, tx_records);
	puts("READY");
	fflush(stdout);
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
	return 0;
}
