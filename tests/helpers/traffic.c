/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * traffic [-n CONNECTIONS] [-k] [-l ADDRESS]
 *
 * Makes kernel-TLS connections over loopback, one after the other, with fixed keys at both ends,
 * and does with each what its turn is: data of many sizes, alerts and tickets, an open record at
 * close, a foreign process that reads the keys back, new keys (-k: the kernel can), records that
 * do not decrypt, bad headers, an end that reads only part. Prints a line for each socket: the
 * turn, cookie, ports, and how many records that came for it were not read. The other end of the
 * connection is on the next line. Every byte that arrives is compared. Shares no code with the
 * project.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RECORD_MAX = 16384, ALERT = 21, HANDSHAKE = 22, DATA = 23, CHUNK_MAX = 50000 };

struct end {
	int fd;
	unsigned unread; /* records */
	uint8_t key_tx, key_rx;
};

struct pair {
	struct end a, b;
	uint16_t version;
	unsigned turn;
};

static bool has_rekey;
static struct in_addr address;
static uint32_t random_state = 1;

/* The same at every run: what failed can be done again. */
static uint32_t next_random(uint32_t limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % limit;
}

static void set_key(int fd, int option, uint16_t version, uint8_t key)
{
	struct tls12_crypto_info_aes_gcm_128 info = { .info = { version, TLS_CIPHER_AES_GCM_128 } };

	memset(info.key, key, sizeof(info.key));
	memset(info.salt, key, sizeof(info.salt));
	memset(info.iv, key, sizeof(info.iv));
	if (setsockopt(fd, SOL_TLS, option, &info, sizeof(info)))
		err(1, "%s", option == TLS_TX ? "TLS_TX" : "TLS_RX");
}

static void connect_pair(struct pair *p)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = address };
	socklen_t len = sizeof(in);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&in, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&in, &len))
		err(1, "listen");
	p->a.fd = socket(AF_INET, SOCK_STREAM, 0);
	if (p->a.fd < 0 || connect(p->a.fd, (struct sockaddr *)&in, len))
		err(1, "connect");
	p->b.fd = accept(listener, NULL, NULL);
	if (p->b.fd < 0)
		err(1, "accept");
	close(listener);
}

static void set_ulp(int fd)
{
	if (setsockopt(fd, SOL_TCP, TCP_ULP, "tls", sizeof("tls")))
		err(1, "TCP_ULP");
}

static void set_keys(struct end *e, uint16_t version, uint8_t tx, uint8_t rx)
{
	set_ulp(e->fd);
	set_key(e->fd, TLS_TX, version, tx);
	set_key(e->fd, TLS_RX, version, rx);
	e->key_tx = tx;
	e->key_rx = rx;
}

static ssize_t send_typed(int fd, uint8_t type, const void *bytes, size_t len)
{
	union {
		struct cmsghdr header;
		uint8_t room[CMSG_SPACE(1)];
	} control = { .header = { .cmsg_level = SOL_TLS,
				  .cmsg_type = TLS_SET_RECORD_TYPE,
				  .cmsg_len = CMSG_LEN(1) } };
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = len };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	*CMSG_DATA(&control.header) = type;
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

/* Reads one piece of one record; gives its type, and its length by *len. */
static uint8_t receive(int fd, void *bytes, size_t room, ssize_t *len)
{
	union {
		struct cmsghdr header;
		uint8_t room[CMSG_SPACE(1)];
	} control;
	struct iovec iov = { .iov_base = bytes, .iov_len = room };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	*len = recvmsg(fd, &message, 0);
	if (*len < 0)
		return 0;
	c = CMSG_FIRSTHDR(&message);
	return c && c->cmsg_level == SOL_TLS && c->cmsg_type == TLS_GET_RECORD_TYPE ?
		       *CMSG_DATA(c) :
		       DATA;
}

static void fill(uint8_t *bytes, size_t len, unsigned salt)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + salt + i / 251);
}

static void expect_bytes(int fd, const uint8_t *bytes, size_t len)
{
	static uint8_t got[CHUNK_MAX];
	size_t have = 0;

	while (have < len) {
		ssize_t n;
		uint8_t type = receive(fd, got + have, len - have, &n);

		if (n <= 0 || type != DATA)
			errx(1, "%zd bytes of type %u instead of data", n, type);
		have += (size_t)n;
	}
	if (memcmp(got, bytes, len))
		errx(1, "data arrived changed");
}

static void send_file(int fd, const uint8_t *bytes, size_t len)
{
	FILE *file = tmpfile();
	off_t at = 0;

	if (!file || fwrite(bytes, 1, len, file) != len || fflush(file))
		err(1, "tmpfile");
	while ((size_t)at < len)
		if (sendfile(fd, fileno(file), &at, len - (size_t)at) <= 0)
			err(1, "sendfile");
	fclose(file);
}

/* How many records that makes is the kernel's business: the capture knows. */
static void send_data(struct end *from, struct end *to)
{
	static uint8_t bytes[CHUNK_MAX];
	size_t len = 1 + next_random(next_random(4) ? 2000 : CHUNK_MAX - 1), first = 0;
	unsigned how = next_random(3);

	fill(bytes, len, next_random(256));
	if (how == 0) {
		send_file(from->fd, bytes, len);
	} else {
		if (how == 1 && len > 1) {
			first = len / 2 < RECORD_MAX ? len / 2 : 100;
			if (send(from->fd, bytes, first, MSG_MORE) != (ssize_t)first)
				err(1, "send");
		}
		if (send(from->fd, bytes + first, len - first, 0) != (ssize_t)(len - first))
			err(1, "send");
	}
	expect_bytes(to->fd, bytes, len);
}

static void send_control(struct end *from, struct end *to, uint8_t type, const void *bytes,
			 size_t len)
{
	uint8_t got[64];
	ssize_t n;

	if (send_typed(from->fd, type, bytes, len) != (ssize_t)len)
		err(1, "sendmsg");
	if (receive(to->fd, got, sizeof(got), &n) != type || n != (ssize_t)len ||
	    memcmp(got, bytes, len))
		errx(1, "a record of type %u arrived changed", type);
}

static void talk(struct pair *p)
{
	for (unsigned i = 1 + next_random(6); i; i--) {
		send_data(&p->a, &p->b);
		if (next_random(2))
			send_data(&p->b, &p->a);
	}
}

static void say_controls(struct pair *p)
{
	static const uint8_t warning[] = { 1, 90 }; /* user_canceled */
	static const uint8_t ticket[] = { 4, 0, 0, 5, 0, 0, 0, 1, 9 };

	for (unsigned i = 1 + next_random(3); i; i--)
		send_control(&p->a, &p->b, ALERT, warning, sizeof(warning));
	send_control(&p->b, &p->a, HANDSHAKE, ticket, sizeof(ticket));
}

/* As somebody would who has got the socket from another process. */
static void read_keys_elsewhere(const struct end *e)
{
	struct tls12_crypto_info_aes_gcm_128 info;
	socklen_t len = sizeof(info);
	pid_t child = fork();
	int status;

	if (child < 0)
		err(1, "fork");
	if (!child)
		_exit(getsockopt(e->fd, SOL_TLS, TLS_TX, &info, &len) ||
		      getsockopt(e->fd, SOL_TLS, TLS_RX, &info, &len));
	if (waitpid(child, &status, 0) != child || status)
		errx(1, "the keys could not be read back");
}

/* RFC 8446 4.6.3, from both ends. */
static void update_keys(struct pair *p)
{
	static const uint8_t update[] = { 24, 0, 0, 1, 0 };
	struct end *ends[] = { &p->a, &p->b };

	for (int i = 0; i < 2; i++) {
		struct end *from = ends[i], *to = ends[!i];

		send_control(from, to, HANDSHAKE, update, sizeof(update));
		from->key_tx++;
		to->key_rx++;
		set_key(from->fd, TLS_TX, p->version, from->key_tx);
		set_key(to->fd, TLS_RX, p->version, to->key_rx);
	}
}

static void shut(struct pair *p)
{
	static const uint8_t close_notify[] = { 1, 0 };

	send_control(&p->a, &p->b, ALERT, close_notify, sizeof(close_notify));
	send_control(&p->b, &p->a, ALERT, close_notify, sizeof(close_notify));
}

/* ---- the turns ---- */

static void turn_data(struct pair *p)
{
	talk(p);
	shut(p);
}

static void turn_controls(struct pair *p)
{
	talk(p);
	say_controls(p);
	talk(p);
	shut(p);
}

static void turn_open_record(struct pair *p)
{
	talk(p);
	if (send(p->a.fd, "unfinished", 10, MSG_MORE) != 10)
		err(1, "send");
}

static void turn_keys_read(struct pair *p)
{
	talk(p);
	read_keys_elsewhere(&p->a);
	talk(p);
	read_keys_elsewhere(&p->b);
	talk(p);
	shut(p);
}

static void turn_rekey(struct pair *p)
{
	talk(p);
	for (unsigned i = 1 + next_random(2); has_rekey && i; i--) {
		update_keys(p);
		talk(p);
	}
	shut(p);
}

static void turn_unread(struct pair *p)
{
	unsigned char one;
	ssize_t n;

	for (int i = 0; i < 5; i++)
		if (send(p->a.fd, "x", 1, 0) != 1)
			err(1, "send");
	for (int i = 0; i < 2; i++)
		if (receive(p->b.fd, &one, 1, &n) != DATA || n != 1)
			errx(1, "a record is missing");
	p->b.unread = 3;
}

/* The receiver has another key. */
static void turn_bad_key(struct pair *p)
{
	char one;

	for (int i = 0; i < 3; i++)
		if (send(p->a.fd, "x", 1, 0) != 1)
			err(1, "send");
	if (recv(p->b.fd, &one, 1, 0) != -1 || errno != EBADMSG)
		errx(1, "a record that cannot decrypt is no EBADMSG");
	p->b.unread = 3;
}

/* The sender speaks no TLS. */
static void turn_bad_header(struct pair *p)
{
	/* with TLS 1.2 the explicit nonce is part of the header that the kernel waits for */
	static const uint8_t too_long[32] = { DATA, 3, 3, 0xff, 0xff };
	char one;

	if (send(p->a.fd, too_long, sizeof(too_long), 0) != sizeof(too_long))
		err(1, "send");
	if (recv(p->b.fd, &one, 1, 0) != -1 || errno != EMSGSIZE)
		errx(1, "a record that is too long is no EMSGSIZE");
}

static const struct {
	const char *name;
	void (*run)(struct pair *p);
} turns[] = {
	{ "data", turn_data },		 { "controls", turn_controls },
	{ "keys-read", turn_keys_read }, { "rekey", turn_rekey },
	{ "open", turn_open_record },	 { "unread", turn_unread },
	{ "bad-key", turn_bad_key },	 { "bad-header", turn_bad_header },
};
enum { N_TURNS = sizeof(turns) / sizeof(*turns) };

static unsigned read_port(int fd, int (*name)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	if (name(fd, (struct sockaddr *)&in, &len))
		err(1, "address");
	return ntohs(in.sin_port);
}

static void describe(const struct pair *p, const struct end *e)
{
	unsigned long long cookie;
	socklen_t len = sizeof(cookie);

	if (getsockopt(e->fd, SOL_SOCKET, SO_COOKIE, &cookie, &len))
		err(1, "SO_COOKIE");
	printf("%s %llu %u %u %u\n", turns[p->turn].name, cookie, read_port(e->fd, getsockname),
	       read_port(e->fd, getpeername), e->unread);
}

static void run(unsigned i)
{
	struct pair p = { .turn = i % N_TURNS,
			  .version = i / N_TURNS % 2 && i % N_TURNS != 3 ? TLS_1_2_VERSION :
									   TLS_1_3_VERSION };

	connect_pair(&p);
	if (turns[p.turn].run == turn_bad_header)
		set_ulp(p.b.fd), set_key(p.b.fd, TLS_RX, p.version, 2);
	else
		set_keys(&p.a, p.version, 1, 2);
	if (turns[p.turn].run == turn_bad_key)
		set_keys(&p.b, p.version, 2, 99);
	else if (turns[p.turn].run != turn_bad_header)
		set_keys(&p.b, p.version, 2, 1);
	turns[p.turn].run(&p);
	describe(&p, &p.a);
	describe(&p, &p.b);
	close(p.a.fd);
	close(p.b.fd);
}

int main(int argc, char **argv)
{
	unsigned long n = N_TURNS;
	int c;

	address.s_addr = htonl(INADDR_LOOPBACK);
	while ((c = getopt(argc, argv, "n:kl:")) != -1) {
		if (c == 'n')
			n = strtoul(optarg, NULL, 10);
		else if (c == 'k')
			has_rekey = true;
		else if (c != 'l' || inet_pton(AF_INET, optarg, &address) != 1)
			errx(2, "usage: traffic [-n CONNECTIONS] [-k] [-l ADDRESS]");
	}
	for (unsigned i = 0; i < n; i++)
		run(i);
	puts("READY");
	return 0;
}
