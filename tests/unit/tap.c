/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tap and its parser. */
#include "tap.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { HEADER_LEN = 5, NONCE_LEN = 8, TAG_LEN = 16, PLAIN_MAX = 16384 };

void tap_init(struct tap *t, int fd0, int fd1, bool tls13, bool has_nonce)
{
	memset(t, 0, sizeof(*t));
	t->fd[0] = fd0;
	t->fd[1] = fd1;
	for (int i = 0; i < 2; i++) {
		t->way[i].parser.tls13 = tls13;
		t->way[i].parser.has_nonce = has_nonce;
	}
}

static void complain(struct tap_parser *p, const char *what)
{
	if (!p->complaint)
		p->complaint = what;
}

/*
 * A nonce that is always the last one plus one repeats in 2^64 records: the strictest form of
 * "never twice", and the one both layers claim.
 */
static void take_nonce(struct tap_parser *p)
{
	uint64_t nonce = 0;

	for (int i = 0; i < NONCE_LEN; i++)
		nonce = nonce << 8 | p->head[HEADER_LEN + i];
	if (p->n_records && nonce != p->last_nonce + 1)
		complain(p, "an explicit nonce does not follow the one before it");
	p->last_nonce = nonce;
}

static void take_head(struct tap_parser *p)
{
	size_t body = (size_t)p->head[3] << 8 | p->head[4];
	size_t overhead = TAG_LEN + (p->has_nonce ? NONCE_LEN : 0) + (p->tls13 ? 1 : 0);

	if (p->head[1] != 3 || p->head[2] != 3)
		complain(p, "wrong version");
	if (p->tls13 && p->head[0] != 23)
		complain(p, "wrong outer type");
	if (body < overhead)
		complain(p, "a record too short");
	else if (body > overhead + PLAIN_MAX)
		complain(p, "a record too long");
	if (p->has_nonce)
		take_nonce(p);
	if (body >= overhead && body - overhead > p->longest)
		p->longest = body - overhead;
	p->n_body_left = HEADER_LEN + body > p->n_head ? HEADER_LEN + body - p->n_head : 0;
	p->n_records++;
}

static void parse(struct tap_parser *p, const uint8_t *at, size_t len)
{
	size_t want = HEADER_LEN + (p->has_nonce ? NONCE_LEN : 0);

	while (len && !p->complaint) {
		if (p->n_head < want) {
			p->head[p->n_head++] = *at++;
			len--;
			if (p->n_head < want)
				continue;
			take_head(p);
		} else {
			size_t n = len < p->n_body_left ? len : p->n_body_left;

			at += n;
			len -= n;
			p->n_body_left -= n;
		}
		if (p->n_head == want && !p->n_body_left)
			p->n_head = 0;
	}
}

static bool fill(struct tap_way *w, int from)
{
	ssize_t n;

	if (w->len || w->ended)
		return false;
	n = recv(from, w->buf, sizeof(w->buf), MSG_DONTWAIT);
	if (n < 0) {
		assert_int_equal(errno, EAGAIN);
		return false;
	}
	w->off = 0;
	w->len = (size_t)n;
	w->ended = !n;
	parse(&w->parser, w->buf, w->len);
	return true;
}

static bool drain(struct tap_way *w, int to)
{
	ssize_t n;

	if (!w->len && w->ended && !w->end_passed) {
		w->end_passed = true;
		assert_int_equal(shutdown(to, SHUT_WR), 0);
		return true;
	}
	if (!w->len)
		return false;
	n = send(to, w->buf + w->off, w->len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0) {
		assert_int_equal(errno, EAGAIN);
		return false;
	}
	w->off += (size_t)n;
	w->len -= (size_t)n;
	return true;
}

bool tap_pump(struct tap *t)
{
	bool moved = false;

	for (int i = 0; i < 2; i++) {
		moved |= fill(&t->way[i], t->fd[i]);
		moved |= drain(&t->way[i], t->fd[!i]);
	}
	return moved;
}

short tap_events(const struct tap *t, int i)
{
	const struct tap_way *in = &t->way[i], *out = &t->way[!i];

	return (short)((in->len || in->ended ? 0 : POLLIN) | (out->len ? POLLOUT : 0));
}
