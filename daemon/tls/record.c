/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sealing and opening records, and their way through a non-blocking socket. */
#include "tls/record.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "tls/aead.h"

enum {
	VERSION_ON_WIRE = 0x0303, /* both versions: RFC 8446 5.1 legacy_record_version */
	/* The most that an AEAD suite can need. RFC 8446 5.2 allows more for TLS 1.3, but what such a
	 * record would hold is longer than 5.4 allows; the kernel draws the line here too. */
	CIPHERTEXT_MAX_12 = RECORD_PLAIN_MAX + 8 + AEAD_TAG_LEN,
	CIPHERTEXT_MAX_13 = RECORD_PLAIN_MAX + 1 + AEAD_TAG_LEN,
	AAD_LEN_12 = 13,
};

size_t record_headroom(const struct suite *s)
{
	return RECORD_HEADER_LEN + suite_explicit_nonce_len(s);
}

/* IV XOR sequence number (RFC 8446 5.3, RFC 7905 2). */
static void nonce_from_seq(const struct keys *k, uint8_t nonce[static 12])
{
	uint8_t seq[8];

	be64_put(seq, k->seq);
	memcpy(nonce, k->iv, 12);
	for (int i = 0; i < 8; i++)
		nonce[4 + i] ^= seq[i];
}

/* Salt and explicit part (RFC 5288 3). */
static void nonce_from_wire(const struct keys *k, const uint8_t explicit_part[static 8],
			    uint8_t nonce[static 12])
{
	memcpy(nonce, k->iv, 4);
	memcpy(nonce + 4, explicit_part, 8);
}

/* seq_num, type, version, length of the plaintext (RFC 5246 6.2.3.3). */
static void aad12(const struct keys *k, uint8_t type, size_t len, uint8_t aad[static AAD_LEN_12])
{
	be64_put(aad, k->seq);
	aad[8] = type;
	be16_put(aad + 9, TLS12);
	be16_put(aad + 11, (uint16_t)len);
}

static void put_header(uint8_t *buf, uint8_t type, size_t body)
{
	buf[0] = type;
	be16_put(buf + 1, VERSION_ON_WIRE);
	be16_put(buf + 3, (uint16_t)body);
}

static ssize_t seal12(struct keys *k, uint8_t type, uint8_t *buf, size_t len)
{
	size_t explicit_len = suite_explicit_nonce_len(k->suite);
	size_t body = explicit_len + len + AEAD_TAG_LEN;
	uint8_t nonce[12], aad[AAD_LEN_12];
	int err;

	put_header(buf, type, body);
	if (explicit_len) {
		be64_put(buf + RECORD_HEADER_LEN, k->nonce++);
		nonce_from_wire(k, buf + RECORD_HEADER_LEN, nonce);
	} else {
		nonce_from_seq(k, nonce);
	}
	aad12(k, type, len, aad);
	err = aead_seal(k, nonce, aad, sizeof(aad), buf + RECORD_HEADER_LEN + explicit_len, len);
	if (err)
		return err;
	k->seq++;
	return (ssize_t)(RECORD_HEADER_LEN + body);
}

static ssize_t seal13(struct keys *k, uint8_t type, uint8_t *buf, size_t len)
{
	size_t body = len + 1 + AEAD_TAG_LEN;
	uint8_t nonce[12];
	int err;

	put_header(buf, RECORD_DATA, body);
	buf[RECORD_HEADER_LEN + len] = type;
	nonce_from_seq(k, nonce);
	err = aead_seal(k, nonce, buf, RECORD_HEADER_LEN, buf + RECORD_HEADER_LEN, len + 1);
	if (err)
		return err;
	k->seq++;
	return (ssize_t)(RECORD_HEADER_LEN + body);
}

ssize_t record_seal(struct keys *k, uint8_t type, uint8_t *buf, size_t len)
{
	return k->suite->version == TLS13 ? seal13(k, type, buf, len) : seal12(k, type, buf, len);
}

static ssize_t open12(struct keys *k, uint8_t *buf, size_t body, uint8_t *type, size_t *off)
{
	size_t explicit_len = suite_explicit_nonce_len(k->suite);
	uint8_t nonce[12], aad[AAD_LEN_12];
	size_t len;
	int err;

	if (body < explicit_len + AEAD_TAG_LEN)
		return -EBADMSG;
	len = body - explicit_len - AEAD_TAG_LEN;
	if (len > RECORD_PLAIN_MAX)
		return -EMSGSIZE;
	if (explicit_len)
		nonce_from_wire(k, buf + RECORD_HEADER_LEN, nonce);
	else
		nonce_from_seq(k, nonce);
	aad12(k, buf[0], len, aad);
	*off = RECORD_HEADER_LEN + explicit_len;
	err = aead_open(k, nonce, aad, sizeof(aad), buf + *off, len);
	if (err)
		return err;
	*type = buf[0];
	k->seq++;
	return (ssize_t)len;
}

/* The content type is the last byte that is not padding (RFC 8446 5.4). */
static ssize_t open13(struct keys *k, uint8_t *buf, size_t body, uint8_t *type, size_t *off)
{
	uint8_t nonce[12];
	size_t len;
	int err;

	if (body < 1 + AEAD_TAG_LEN)
		return -EBADMSG;
	len = body - AEAD_TAG_LEN;
	nonce_from_seq(k, nonce);
	*off = RECORD_HEADER_LEN;
	err = aead_open(k, nonce, buf, RECORD_HEADER_LEN, buf + *off, len);
	if (err)
		return err;
	while (len && !buf[*off + len - 1])
		len--;
	if (!len)
		return -EPROTO;
	*type = buf[*off + --len];
	k->seq++;
	return (ssize_t)len;
}

/* Length of the body that the header announces, or why it is no header of these keys. */
static ssize_t check_header(const struct keys *k, const uint8_t *h)
{
	bool is13 = k->suite->version == TLS13;
	size_t body = be16_get(h + 3);

	/* After a TLS 1.3 handshake every record looks like data (RFC 8446 5.2). */
	if (is13 && h[0] != RECORD_DATA)
		return -EINVAL;
	if (be16_get(h + 1) != VERSION_ON_WIRE)
		return -EINVAL;
	if (body > (is13 ? CIPHERTEXT_MAX_13 : CIPHERTEXT_MAX_12))
		return -EMSGSIZE;
	return (ssize_t)body;
}

ssize_t record_open(struct keys *k, uint8_t *buf, size_t len, uint8_t *type, size_t *off)
{
	ssize_t body = len < RECORD_HEADER_LEN ? -EINVAL : check_header(k, buf);

	if (body < 0)
		return body;
	if ((size_t)body != len - RECORD_HEADER_LEN)
		return -EINVAL;
	return k->suite->version == TLS13 ? open13(k, buf, (size_t)body, type, off) :
					    open12(k, buf, (size_t)body, type, off);
}

static int flush(int fd, struct record_tx *tx, struct pool *pool, bool more)
{
	struct pool_buffer *b = tx->buf;
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);

	while (b && b->len) {
		ssize_t n = send(fd, b->data + b->off, b->len, flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		b->off += (uint32_t)n;
		b->len -= (uint32_t)n;
	}
	pool_put(pool, &tx->buf);
	return 0;
}

int record_flush(int fd, struct record_tx *tx, struct pool *pool)
{
	return flush(fd, tx, pool, false);
}

ssize_t record_send(int fd, struct keys *k, struct record_tx *tx, struct pool *pool, uint8_t type,
		    const void *data, size_t len, bool more)
{
	ssize_t whole;
	int err = flush(fd, tx, pool, false);

	if (err)
		return err;
	tx->buf = pool_get(pool);
	if (!tx->buf)
		return -ENOMEM;
	len = MIN_OF(len, (size_t)RECORD_PLAIN_MAX);
	if (len)
		memcpy(tx->buf->data + record_headroom(k->suite), data, len);
	whole = record_seal(k, type, tx->buf->data, len);
	if (whole < 0) {
		pool_put(pool, &tx->buf);
		return whole;
	}
	tx->buf->len = (uint32_t)whole;
	err = flush(fd, tx, pool, more);
	/* The record is ours now: that the socket is full is not the caller's news. */
	return err && err != -EAGAIN ? err : (ssize_t)len;
}

/* Reads once behind the raw bytes. 1 when some came, 0 at the end of the stream, or -errno. */
static int fill(int fd, struct record_rx *rx)
{
	struct pool_buffer *b = rx->buf;
	ssize_t n;

	if (rx->raw_off) {
		memmove(b->data, b->data + rx->raw_off, rx->raw_len);
		rx->raw_off = 0;
	}
	do
		n = recv(fd, b->data + rx->raw_len, sizeof(b->data) - rx->raw_len, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	rx->was_short = (size_t)n < sizeof(b->data) - rx->raw_len;
	rx->raw_len += (uint16_t)n;
	return n > 0;
}

/* Opens the record at the head of the raw bytes if it is whole: 1, or 0 if not, or -errno. */
static int open_head(struct keys *k, struct record_rx *rx)
{
	uint8_t *head = rx->buf->data + rx->raw_off;
	ssize_t body, len;
	size_t off;

	if (rx->raw_len < RECORD_HEADER_LEN)
		return 0;
	body = check_header(k, head);
	if (body < 0)
		return (int)body;
	if (rx->raw_len < RECORD_HEADER_LEN + body)
		return 0;
	len = record_open(k, head, (size_t)(RECORD_HEADER_LEN + body), &rx->plain_type, &off);
	if (len < 0)
		return (int)len;
	rx->plain_off = (uint16_t)(rx->raw_off + off);
	rx->plain_len = (uint16_t)len;
	rx->raw_off += (uint16_t)(RECORD_HEADER_LEN + body);
	rx->raw_len -= (uint16_t)(RECORD_HEADER_LEN + body);
	return 1;
}

static ssize_t give(struct record_rx *rx, struct pool *pool, uint8_t *type, void *buf, size_t cap)
{
	size_t n = MIN_OF(cap, (size_t)rx->plain_len);

	memcpy(buf, rx->buf->data + rx->plain_off, n);
	rx->plain_off += (uint16_t)n;
	rx->plain_len -= (uint16_t)n;
	*type = rx->plain_type;
	if (!rx->plain_len && !rx->raw_len) {
		rx->raw_off = 0;
		pool_put(pool, &rx->buf);
	}
	return (ssize_t)n;
}

ssize_t record_recv(int fd, struct keys *k, struct record_rx *rx, struct pool *pool, uint8_t *type,
		    void *buf, size_t cap)
{
	*type = 0;
	if (!rx->buf)
		rx->buf = pool_get(pool);
	if (!rx->buf)
		return -ENOMEM;
	while (!rx->plain_len) {
		int got = open_head(k, rx);

		if (got < 0)
			return got;
		if (got > 0) {
			if (rx->plain_len)
				break;
			return give(rx, pool, type, buf, 0); /* an empty record */
		}
		got = fill(fd, rx);
		if (got > 0)
			continue;
		if (!got && rx->raw_len)
			return -ENODATA;
		if (!rx->raw_len)
			pool_put(pool, &rx->buf);
		return got;
	}
	return give(rx, pool, type, buf, cap);
}
