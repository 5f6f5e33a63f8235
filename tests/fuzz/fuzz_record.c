/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes record_recv(). The input is a script: each step either seals a record, or writes raw
 * bytes, or damages what is not sent yet, or sends a piece, or receives with some cap. What comes
 * out is always a beginning of what was sealed, and all of it where nothing was forged.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/keys.h"
#include "base/pool.h"
#include "tls/aead.h"
#include "tls/record.h"

enum { WIRE_MAX = 256 * 1024, PLAIN_MAX = 128 * 1024 };

struct bytes {
	uint8_t data[WIRE_MAX];
	size_t off, len;
};

/* What the script has made so far. */
struct run {
	const uint8_t *at, *end; /* of the script */
	int fd[2];
	struct keys *tx, *rx;
	struct pool pool;
	struct record_rx state;
	bool forged; /* some of it need not come out */
	bool dead;   /* an error was given */
	struct {
		uint8_t type[PLAIN_MAX], byte[PLAIN_MAX];
		size_t off, len;
	} plain;
};

static struct bytes wire;
static struct run r;

static void require(int condition)
{
	if (!condition)
		abort();
}

static uint8_t next(void)
{
	return r.at < r.end ? *r.at++ : 0;
}

static struct keys *make_keys(const struct suite *s)
{
	struct keys *k = keys_new();

	require(k != NULL);
	k->suite = s;
	memset(k->key, 'k', s->key_len);
	memset(k->iv, 'i', sizeof(k->iv));
	return k;
}

static void seal(void)
{
	uint8_t type = next();
	size_t len = next(), headroom = record_headroom(r.tx->suite);
	uint8_t *at = wire.data + wire.len;
	ssize_t n;

	if (type & 1)
		len = len * 65 % (RECORD_PLAIN_MAX + 1);
	type = type % 8 ? RECORD_CCS + type % 4 : 99;
	if (wire.len + len + 64 > sizeof(wire.data) || r.plain.len + len > PLAIN_MAX)
		return;
	memset(at + headroom, (int)len, len);
	n = record_seal(r.tx, type, at, len);
	require(n > 0);
	wire.len += (size_t)n;
	memset(r.plain.byte + r.plain.len, (int)len, len);
	memset(r.plain.type + r.plain.len, type, len);
	r.plain.len += len;
}

static void write_raw(void)
{
	size_t len = next() % 32u;

	for (size_t i = 0; i < len && wire.len < sizeof(wire.data); i++) {
		wire.data[wire.len++] = next();
		r.forged = true;
	}
}

static void damage(void)
{
	size_t unsent = wire.len - wire.off;
	uint8_t bit = (uint8_t)(1 << next() % 8u);

	if (!unsent)
		return;
	wire.data[wire.off + (next() * 251u + next()) % unsent] ^= bit;
	r.forged = true;
}

static void send_piece(size_t len)
{
	ssize_t n;

	if (len > wire.len - wire.off)
		len = wire.len - wire.off;
	n = send(r.fd[0], wire.data + wire.off, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		wire.off += (size_t)n;
}

/* Bytes that came out are the next of those sealed, and of their type. */
static void check_bytes(const uint8_t *got, size_t n, uint8_t type)
{
	require(n <= r.plain.len - r.plain.off);
	for (size_t i = 0; i < n; i++) {
		require(got[i] == r.plain.byte[r.plain.off + i]);
		require(type == r.plain.type[r.plain.off + i]);
	}
	r.plain.off += n;
}

/* True if there may be more. */
static bool receive(size_t cap)
{
	static uint8_t buf[RECORD_PLAIN_MAX];
	uint8_t type = 0;
	ssize_t n = record_recv(r.fd[1], r.rx, &r.state, &r.pool, &type, buf, cap);

	require(r.pool.n_out == (r.state.buf != NULL));
	require(n <= (ssize_t)cap);
	if (n >= 0 && type) {
		require(!r.dead);
		check_bytes(buf, (size_t)n, type);
		return true;
	}
	if (n == 0 || n == -EAGAIN)
		return false;
	require(n == -ENODATA || r.forged);
	r.dead = true;
	return false;
}

static void step(void)
{
	uint8_t op = next();

	switch (op % 8) {
	case 0:
	case 1:
	case 2:
		seal();
		break;
	case 3:
		write_raw();
		break;
	case 4:
		damage();
		break;
	case 5:
		send_piece(next());
		break;
	case 6:
		send_piece(next() * 256u);
		break;
	default:
		receive(1 + next() * 65u % RECORD_PLAIN_MAX);
	}
}

static void finish(void)
{
	while (wire.off < wire.len && !r.dead) {
		send_piece(wire.len);
		while (receive(RECORD_PLAIN_MAX))
			;
	}
	shutdown(r.fd[0], SHUT_WR);
	while (receive(RECORD_PLAIN_MAX))
		;
	require(r.forged || r.plain.off == r.plain.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct suite *s = suite_at(size ? data[0] % 11u : 0);

	memset(&r.state, 0, sizeof(r.state));
	r.forged = r.dead = false;
	r.plain.off = r.plain.len = 0;
	wire.off = wire.len = 0;
	r.at = data + (size > 0);
	r.end = data + size;
	r.tx = make_keys(s);
	r.rx = make_keys(s);
	pool_init(&r.pool, 2);
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, r.fd));
	while (r.at < r.end)
		step();
	finish();
	pool_put(&r.pool, &r.state.buf);
	pool_fini(&r.pool);
	aead_forget(r.tx);
	aead_forget(r.rx);
	keys_free(r.tx);
	keys_free(r.rx);
	close(r.fd[0]);
	close(r.fd[1]);
	return 0;
}
