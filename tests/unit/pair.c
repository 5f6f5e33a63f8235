/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pairs of channels and the layers that the tests run over. */
#include "pair.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/util.h"
#include "tls/aead.h"
#include "tls/ktls.h"
#include "vectors/vectors.h"

enum { DEADLINE_MS = 10 * 1000 };

const struct layer layers[N_LAYERS] = {
	{ "user", { false, false } },
	{ "kernel tx", { [TX] = true } },
	{ "kernel rx", { [RX] = true } },
	{ "kernel", { true, true } },
};

struct current current;

void pair_sockets(int fd[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	_cleanup_fd_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd[0], (struct sockaddr *)&address, len), 0);
	fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd[1] >= 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(setsockopt(fd[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
		assert_int_equal(fcntl(fd[i], F_SETFL, O_NONBLOCK), 0);
	}
}

/* Keys of one end; the other way's differ in secret, key and IV, as after a handshake. */
static struct keys *make_keys(uint16_t suite, bool other_way)
{
	struct keys *k = vector_keys(suite);

	if (other_way) {
		k->secret[0] ^= 0xff;
		k->key[0] ^= 0xff;
		k->iv[0] ^= 0xff;
	}
	if (k->suite->version == TLS13)
		assert_int_equal(aead_derive(k), 0);
	else
		k->seq = 1;	   /* after Finished */
	k->nonce = UINT32_MAX - 3; /* so that it carries */
	return k;
}

void pair_init(struct pair *p, uint16_t suite, int subject_fd, int peer_fd)
{
	p->wire_len = 0;
	pool_init(&p->pool, 4);
	channel_init(&p->subject, subject_fd, &p->pool, make_keys(suite, false),
		     make_keys(suite, true));
	channel_init(&p->peer, peer_fd, &p->pool, make_keys(suite, true), make_keys(suite, false));
}

void pair_open(struct pair *p, uint16_t suite, const struct layer *layer)
{
	int fd[2];

	pair_sockets(fd);
	if (layer->in_kernel[TX] || layer->in_kernel[RX])
		assert_int_equal(ktls_attach(fd[0]), 0);
	pair_init(p, suite, fd[0], fd[1]);
	for (int d = 0; d < N_DIRECTIONS; d++)
		if (layer->in_kernel[d])
			assert_int_equal(channel_move_to_kernel(&p->subject, (enum direction)d), 0);
}

void pair_close(struct pair *p)
{
	channel_fini(&p->subject);
	channel_fini(&p->peer);
	assert_int_equal(p->pool.n_out, 0);
	pool_fini(&p->pool);
	fd_close(&p->subject.fd);
	fd_close(&p->peer.fd);
}

void wait_for(int fd, short events)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };

	if (poll(&poll_fd, 1, DEADLINE_MS) <= 0)
		fail_msg("nothing happened on fd %d in %d ms", fd, DEADLINE_MS);
}

struct channel_event recv_event(struct channel *ch, void *buf, size_t cap)
{
	struct channel_event e;

	while ((e = channel_recv(ch, buf, cap)).result == CHANNEL_AGAIN)
		wait_for(ch->fd, POLLIN);
	return e;
}

bool is_idle(struct channel *ch)
{
	char c;

	return channel_recv(ch, &c, 1).result == CHANNEL_AGAIN;
}

static void flush(struct channel *ch)
{
	while (channel_flush(ch).result == CHANNEL_AGAIN)
		wait_for(ch->fd, POLLOUT);
	assert_false(channel_has_unsent(ch));
}

void send_all(struct channel *ch, uint8_t type, const void *p, size_t len)
{
	const uint8_t *at = p;

	do {
		struct channel_event e = channel_send(ch, type, at, len);

		if (e.result == CHANNEL_AGAIN) {
			wait_for(ch->fd, POLLOUT);
			continue;
		}
		assert_int_equal(e.result, type == RECORD_DATA ? CHANNEL_DATA : CHANNEL_CONTROL);
		assert_true(e.len <= len);
		at += e.len;
		len -= e.len;
	} while (len);
	flush(ch);
}

void expect_bytes(struct channel *ch, uint8_t type, const void *p, size_t len)
{
	uint8_t buf[4096];

	while (len) {
		struct channel_event e = recv_event(ch, buf, MIN_OF(len, sizeof(buf)));

		assert_int_equal(e.result, type == RECORD_DATA ? CHANNEL_DATA : CHANNEL_CONTROL);
		assert_int_equal(e.type, type);
		assert_true(e.len <= len);
		assert_memory_equal(buf, p, e.len);
		p = (const uint8_t *)p + e.len;
		len -= e.len;
	}
}

void expect_error(struct channel *ch, enum reason reason)
{
	char buf[64];
	struct channel_event e = recv_event(ch, buf, sizeof(buf));

	assert_int_equal(e.result, CHANNEL_ERROR);
	assert_string_equal(reason_name(e.reason), reason_name(reason));
}

size_t pair_seal(struct pair *p, uint8_t type, const void *data, size_t len)
{
	struct keys *k = p->peer.side[TX].keys;
	uint8_t *at = p->wire + p->wire_len;
	ssize_t n;

	assert_true(p->wire_len + len + 64 < sizeof(p->wire));
	if (len)
		memcpy(at + record_headroom(k->suite), data, len);
	n = record_seal(k, type, at, len);
	assert_true(n > 0);
	p->wire_len += (size_t)n;
	return (size_t)n;
}

void pair_write(struct pair *p, size_t from, size_t to)
{
	assert_int_equal(send(p->peer.fd, p->wire + from, to - from, 0), to - from);
}

bool kernel_has_tls(void)
{
	int fd[2], err;

	pair_sockets(fd);
	err = ktls_attach(fd[0]);
	fd_close(&fd[0]);
	fd_close(&fd[1]);
	return !err;
}

void require_kernel_tls(void **state)
{
	(void)state;
	if (kernel_has_tls())
		return;
	if (getenv("KTLSD_EXPECT_KTLS"))
		fail_msg("this kernel has no TLS, but it is expected to");
	skip();
}

bool kernel_can_rekey(void)
{
	const char *expected = getenv("KTLSD_EXPECT_REKEY");
	struct keys *k = make_keys(0x1301, false);
	int fd[2], err;

	pair_sockets(fd);
	assert_int_equal(ktls_attach(fd[0]), 0);
	assert_int_equal(ktls_install(fd[0], TX, k), 0);
	err = ktls_install(fd[0], TX, k);
	assert_true(!err || err == -EBUSY);
	if (expected && atoi(expected) != !err)
		fail_msg("KTLSD_EXPECT_REKEY=%s, but errno is %d", expected, -err);
	fd_close(&fd[0]);
	fd_close(&fd[1]);
	keys_free(k);
	return !err;
}

static int run_suites(const struct CMUnitTest *tests, size_t n_tests, const uint16_t *suites,
		      size_t n_suites)
{
	int n_failed = 0;
	char name[64];

	for (size_t i = 0; i < n_suites; i++) {
		const struct suite *s = suite_find(suites[i]);

		snprintf(name, sizeof(name), "%s, TLS %s, %s", current.layer->name,
			 suite_version_name(s->version), s->cipher);
		print_message("%s\n", name);
		current.suite = suites[i];
		n_failed += _cmocka_run_group_tests(name, tests, n_tests, NULL, NULL);
	}
	return n_failed;
}

int run_layers(const struct CMUnitTest *tests, size_t n_tests, const uint16_t *suites,
	       size_t n_suites, const struct layer *first)
{
	static const struct CMUnitTest missing[] = { cmocka_unit_test(require_kernel_tls) };
	bool has_tls = kernel_has_tls();
	int n_failed = 0;

	for (current.layer = first; current.layer < layers + N_LAYERS; current.layer++) {
		if (has_tls || current.layer == layers)
			n_failed += run_suites(tests, n_tests, suites, n_suites);
		else
			n_failed += _cmocka_run_group_tests(current.layer->name, missing,
							    ARRAY_SIZE(missing), NULL, NULL);
	}
	return n_failed;
}
