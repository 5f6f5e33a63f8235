/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes one kernel-TLS connection with fixed keys, over loopback or from one network namespace to
 * another, sends records through it, says on stdout what it made, prints READY and holds it until
 * stdin closes. Shares no code with the project: it is what the project's own answers are compared
 * with.
 *
 * Two sockets, "subject" and "peer". The subject gets keys for the directions asked for, the
 * peer those for the other end, so the records are really encrypted and decrypted.
 *
 * Lines on stdin: "send N" moves N more records in each of these directions and prints "sent TOTAL".
 * "flow" moves them until the next line, then prints the same. Several are under way at a time.
 * "push N" sends N that are never read. With -w it prints CONNECTED and waits for the line "go" before
 * it sets keys; until then "greet" lets the subject receive and acknowledge a byte without TLS, and
 * "mark" sets another type of service for its packets; each prints itself when it is done.
 * The first failure ends all, with "failed VERB record=N errno=NAME".
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ktls.h"

#ifndef TLS_RX_EXPECT_NO_PAD
#define TLS_RX_EXPECT_NO_PAD 4
#endif

enum { MAX_RECORD = 16384, WINDOW = 4, KEY_FROM_SUBJECT = 0x11, KEY_FROM_PEER = 0x22 };

struct cipher {
	const char *name;
	uint16_t type;
	size_t info_len; /* of its tls12_crypto_info_* */
};

struct options {
	uint16_t version;
	const struct cipher *cipher;
	bool tx, rx; /* of the subject */
	uint64_t seq;
	unsigned int n_records;
	unsigned int n_more; /* pairs like it, of which nothing is said */
	bool ipv6, no_pad, zero_copy, key_update, waits;
	const char *subject_netns, *peer_netns; /* below /run/netns; NULL is ours */
	const char *address;			/* of the peer; NULL is loopback */
};

/* One direction, and how many records went into it and came out. */
struct stream {
	int from, to;
	unsigned int sent, received;
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

static void enter_netns(const char *name)
{
	char path[256];
	int fd;

	if (!name)
		return;
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "%s", path);
	close(fd);
}

static socklen_t peer_address(const struct options *o, struct sockaddr_storage *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	if (o->ipv6) {
		in6->sin6_family = AF_INET6;
		if (inet_pton(AF_INET6, o->address ?: "::1", &in6->sin6_addr) != 1)
			errx(2, "no IPv6 address: %s", o->address);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	if (inet_pton(AF_INET, o->address ?: "127.0.0.1", &in->sin_addr) != 1)
		errx(2, "no IPv4 address: %s", o->address);
	return sizeof(*in);
}

/* Connects a subject and a peer. */
static void make_connection(const struct options *o, int *subject, int *peer)
{
	struct sockaddr_storage storage;
	struct sockaddr *address = (struct sockaddr *)&storage;
	socklen_t len = peer_address(o, &storage);
	int listener;

	enter_netns(o->peer_netns);
	listener = ktls_listen(address, len);
	enter_netns(o->subject_netns);
	ktls_connect(listener, address, len, subject, peer);
}

static void install_key(int fd, int direction, const struct options *o, uint8_t key)
{
	const struct tls_crypto_info head = { .version = o->version,
					      .cipher_type = o->cipher->type };

	if (ktls_install(fd, direction, head, o->cipher->info_len, key, o->seq))
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
	if (ktls_attach(subject) || ktls_attach(peer))
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

/* Never returns: whoever reads our output learns what happened. */
static void fail(const char *verb, unsigned int record, const char *error)
{
	printf("failed %s record=%u errno=%s\n", verb, record, error);
	exit(1);
}

/* No octet of it is what stands at another place nearby. */
static size_t fill_record(uint8_t record[static MAX_RECORD], unsigned int i)
{
	size_t len = 1 + (i * 4099U) % MAX_RECORD;

	for (size_t j = 0; j < len; j++)
		record[j] = (uint8_t)(i + j * 7 + (j >> 8));
	return len;
}

/* Each send() of at most 16384 bytes is one record. */
static void send_record(struct stream *s)
{
	uint8_t record[MAX_RECORD];
	size_t len = fill_record(record, s->sent);

	if (send(s->from, record, len, MSG_NOSIGNAL) != (ssize_t)len)
		fail("send", s->sent, strerrorname_np(errno));
	s->sent++;
}

static void receive_record(struct stream *s)
{
	uint8_t expected[MAX_RECORD], got[MAX_RECORD];
	size_t len = fill_record(expected, s->received);
	ssize_t n = recv(s->to, got, len, MSG_WAITALL);

	if (n < 0)
		fail("recv", s->received, strerrorname_np(errno));
	if (n != (ssize_t)len || memcmp(expected, got, len))
		fail("compare", s->received, "none");
	s->received++;
}

/* One record after the other. */
static void move_records(struct stream *s, unsigned int n_records)
{
	while (n_records--) {
		send_record(s);
		receive_record(s);
	}
}

static bool line_waits(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&in, 1, 0) > 0;
}

/* N records in each stream, or 0: until there is a line to read. */
static void flow_records(struct stream *streams, size_t n_streams, unsigned long n)
{
	for (unsigned long i = 0; n ? i < n : !line_waits(); i++) {
		for (struct stream *s = streams; s < streams + n_streams; s++) {
			send_record(s);
			if (s->sent - s->received == WINDOW)
				receive_record(s);
		}
	}
	for (struct stream *s = streams; s < streams + n_streams; s++)
		while (s->received < s->sent)
			receive_record(s);
	printf("sent %u\n", n_streams ? streams->sent : 0);
}

static void greet(int subject, int peer)
{
	char byte;

	if (send(peer, "x", 1, 0) != 1 || recv(subject, &byte, 1, 0) != 1)
		err(1, "greet");
}

static void mark(int subject)
{
	int service = IPTOS_LOWDELAY;

	if (setsockopt(subject, SOL_IP, IP_TOS, &service, sizeof(service)))
		err(1, "IP_TOS");
}

static void wait_before_keys(int subject, int peer)
{
	char line[64];

	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("CONNECTED");
	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "greet\n"))
			greet(subject, peer);
		else if (!strcmp(line, "mark\n"))
			mark(subject);
		else
			return;
		fputs(line, stdout);
	}
	errx(1, "no line came");
}

static void obey(struct stream *streams, size_t n_streams)
{
	char line[64];

	/* what waits must be seen by poll() */
	setvbuf(stdin, NULL, _IONBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		unsigned long n;

		if (!strcmp(line, "flow\n"))
			flow_records(streams, n_streams, 0);
		else if (sscanf(line, "send %lu", &n) == 1 && n)
			flow_records(streams, n_streams, n);
		else if (sscanf(line, "push %lu", &n) == 1 && n_streams)
			while (n--)
				send_record(&streams[0]);
		fflush(stdout);
	}
}

static void make_more(const struct options *o)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		err(1, "getrlimit");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "setrlimit");
	for (unsigned int i = 0; i < o->n_more; i++) {
		int subject, peer;

		make_connection(o, &subject, &peer);
		install_keys(subject, peer, o);
	}
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
	struct stat st;

	if (fstat(fd, &st))
		err(1, "describe");
	printf("socket=%s cookie=%llu inode=%llu uid=%u local_port=%u remote_port=%u "
	       "tx_records=%u rx_records=%u\n",
	       name, (unsigned long long)ktls_cookie(fd), (unsigned long long)st.st_ino, st.st_uid,
	       read_port(fd, false), read_port(fd, true), tx_records, rx_records);
}

static void set_directions(struct options *o, const char *name)
{
	o->tx = !strcmp(name, "tx") || !strcmp(name, "both");
	o->rx = !strcmp(name, "rx") || !strcmp(name, "both");
	if (!o->tx && !o->rx && strcmp(name, "none"))
		errx(2, "directions are tx, rx, both or none");
}

static void set_namespaces(struct options *o, char *names)
{
	o->subject_netns = strsep(&names, ":");
	o->peer_netns = names;
	if (!names)
		errx(2, "namespaces are SUBJECT:PEER");
}

static void parse(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "V:c:d:s:n:M:6pzuwN:a:")) != -1) {
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
		case 'M':
			o->n_more = (unsigned int)strtoul(optarg, NULL, 10);
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
		case 'w':
			o->waits = true;
			break;
		case 'N':
			set_namespaces(o, optarg);
			break;
		case 'a':
			o->address = optarg;
			o->ipv6 = strchr(optarg, ':');
			break;
		default:
			errx(2, "usage: ktls_pair [-V 1.2|1.3] [-c CIPHER] [-d tx|rx|both|none] "
				"[-s SEQ] [-n RECORDS] [-M MORE_PAIRS] [-6] [-p no-pad] "
				"[-z zero-copy] [-u KeyUpdate to the subject] [-w] "
				"[-N SUBJECTNETNS:PEERNETNS] [-a PEERADDRESS]");
		}
	}
}

int main(int argc, char **argv)
{
	struct options o = {
		.version = TLS_1_3_VERSION, .cipher = &ciphers[0], .tx = true, .rx = true
	};
	struct stream streams[2];
	unsigned int rx_records;
	size_t n_streams = 0;
	int subject, peer;

	parse(argc, argv, &o);
	make_connection(&o, &subject, &peer);
	if (o.waits)
		wait_before_keys(subject, peer);
	install_keys(subject, peer, &o);
	if (o.tx)
		streams[n_streams++] = (struct stream){ .from = subject, .to = peer };
	if (o.rx)
		streams[n_streams++] = (struct stream){ .from = peer, .to = subject };
	for (size_t i = 0; i < n_streams; i++)
		move_records(&streams[i], o.n_records);
	rx_records = o.rx ? o.n_records : 0;
	if (o.key_update) {
		errno = ktls_key_update(peer, subject);
		if (errno)
			err(1, "KeyUpdate");
		rx_records++;
	}
	describe("subject", subject, o.tx ? o.n_records : 0, rx_records);
	describe("peer", peer, rx_records, o.tx ? o.n_records : 0);
	make_more(&o);
	puts("READY");
	fflush(stdout);
	obey(streams, n_streams);
	return 0;
}
