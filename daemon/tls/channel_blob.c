/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel's state as bytes. The form is our own, little words in network order; it comes from
 * another process, perhaps of another version, so reading it trusts nothing.
 */
#include "tls/channel.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

static const uint8_t magic[4] = { 'k', 'c', 'h', 1 };

/* A cursor over the blob: once it has failed it stays failed, so checks can wait for the end. */
struct cursor {
	uint8_t *at, *end;
	bool failed, no_memory;
};

static uint8_t *advance(struct cursor *c, size_t n)
{
	uint8_t *p = c->at;

	if (c->failed || (size_t)(c->end - c->at) < n) {
		c->failed = true;
		return NULL;
	}
	c->at += n;
	return p;
}

static void put_bytes(struct cursor *c, const void *p, size_t n)
{
	uint8_t *to = advance(c, n);

	if (to && n)
		memcpy(to, p, n);
}

static void get_bytes(struct cursor *c, void *p, size_t n)
{
	const uint8_t *from = advance(c, n);

	if (from && n)
		memcpy(p, from, n);
}

static void put_u64(struct cursor *c, uint64_t v)
{
	uint8_t b[8];

	be64_put(b, v);
	put_bytes(c, b, sizeof(b));
}

/* Reads a number that must not exceed max. */
static uint64_t get_u64(struct cursor *c, uint64_t max)
{
	uint8_t b[8] = { 0 };
	uint64_t v;

	get_bytes(c, b, sizeof(b));
	v = be64_get(b);
	if (v > max)
		c->failed = true;
	return c->failed ? 0 : v;
}

static void put_side(struct cursor *c, const struct channel_side *side)
{
	const struct keys *k = side->keys;

	put_u64(c, side->mode);
	put_u64(c, k->suite->id);
	put_u64(c, k->epoch);
	put_u64(c, k->seq);
	put_u64(c, k->nonce);
	put_bytes(c, k->secret, sizeof(k->secret));
	put_bytes(c, k->key, sizeof(k->key));
	put_bytes(c, k->iv, sizeof(k->iv));
}

static void get_side(struct cursor *c, struct channel_side *side)
{
	struct keys *k = side->keys;

	side->mode = (enum mode)get_u64(c, MODE_KERNEL);
	k->suite = suite_find((uint16_t)get_u64(c, UINT16_MAX));
	k->epoch = (uint32_t)get_u64(c, UINT32_MAX);
	k->seq = get_u64(c, UINT64_MAX);
	k->nonce = get_u64(c, UINT64_MAX);
	get_bytes(c, k->secret, sizeof(k->secret));
	get_bytes(c, k->key, sizeof(k->key));
	get_bytes(c, k->iv, sizeof(k->iv));
	if (side->mode == MODE_NONE || !k->suite)
		c->failed = true;
}

ssize_t channel_export(const struct channel *ch, uint8_t *blob, size_t cap)
{
	struct cursor c = { .at = blob, .end = blob + cap };
	const struct pool_buffer *tx = ch->tx.buf;
	const struct record_rx *rx = &ch->rx;

	put_bytes(&c, magic, sizeof(magic));
	put_side(&c, &ch->side[TX]);
	put_side(&c, &ch->side[RX]);
	put_u64(&c, tx ? tx->len : 0);
	if (tx)
		put_bytes(&c, tx->data + tx->off, tx->len);
	put_u64(&c, rx->plain_type);
	put_u64(&c, rx->plain_len);
	put_u64(&c, rx->raw_len);
	if (rx->buf) {
		put_bytes(&c, rx->buf->data + rx->plain_off, rx->plain_len);
		put_bytes(&c, rx->buf->data + rx->raw_off, rx->raw_len);
	}
	return c.failed ? -ENOSPC : c.at - blob;
}

static struct pool_buffer *get_buffer(struct cursor *c, struct channel *ch)
{
	struct pool_buffer *b = pool_get(ch->pool);

	if (!b)
		c->failed = c->no_memory = true;
	return b;
}

static void get_tx(struct cursor *c, struct channel *ch)
{
	size_t len = get_u64(c, POOL_BUFFER_LEN);

	if (!len || c->failed)
		return;
	ch->tx.buf = get_buffer(c, ch);
	if (!ch->tx.buf)
		return;
	get_bytes(c, ch->tx.buf->data, len);
	ch->tx.buf->len = (uint32_t)len;
}

static void get_rx(struct cursor *c, struct channel *ch)
{
	struct record_rx *rx = &ch->rx;

	rx->plain_type = (uint8_t)get_u64(c, UINT8_MAX);
	rx->plain_len = (uint16_t)get_u64(c, RECORD_PLAIN_MAX);
	rx->raw_len = (uint16_t)get_u64(c, POOL_BUFFER_LEN);
	if (rx->plain_len + rx->raw_len > POOL_BUFFER_LEN)
		c->failed = true;
	if (c->failed || !(rx->plain_len + rx->raw_len))
		return;
	rx->buf = get_buffer(c, ch);
	if (!rx->buf)
		return;
	rx->raw_off = rx->plain_len;
	get_bytes(c, rx->buf->data, rx->plain_len);
	get_bytes(c, rx->buf->data + rx->raw_off, rx->raw_len);
}

/* What no sound export contains. */
static bool is_sound(const struct channel *ch)
{
	const struct channel_side *tx = &ch->side[TX], *rx = &ch->side[RX];

	if (tx->keys->suite != rx->keys->suite)
		return false;
	if (tx->mode == MODE_KERNEL && ch->tx.buf)
		return false;
	return rx->mode != MODE_KERNEL || !ch->rx.buf;
}

int channel_import(struct channel *ch, int fd, struct pool *pool, const uint8_t *blob, size_t len)
{
	struct cursor c = { .at = (uint8_t *)blob, .end = (uint8_t *)blob + len };
	struct keys *tx = keys_new(), *rx = keys_new();
	uint8_t head[sizeof(magic)] = { 0 };

	if (!tx || !rx) {
		keys_free(tx);
		keys_free(rx);
		return -ENOMEM;
	}
	channel_init(ch, fd, pool, tx, rx);
	ch->n_sent = UINT64_MAX; /* the kernel knows */
	get_bytes(&c, head, sizeof(head));
	get_side(&c, &ch->side[TX]);
	get_side(&c, &ch->side[RX]);
	get_tx(&c, ch);
	get_rx(&c, ch);
	if (!c.failed && c.at == c.end && !memcmp(head, magic, sizeof(magic)) && is_sound(ch))
		return 0;
	channel_fini(ch);
	*ch = (struct channel){ .fd = -1 };
	return c.no_memory ? -ENOMEM : -EINVAL;
}
