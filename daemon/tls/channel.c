/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Speaks to either record layer, and turns their errnos into reasons. */
#include "tls/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "tls/aead.h"
#include "tls/ktls.h"

void channel_init(struct channel *ch, int fd, struct pool *pool, struct keys *tx, struct keys *rx)
{
	*ch = (struct channel){ .fd = fd, .pool = pool };
	ch->side[TX] = (struct channel_side){ .keys = tx, .mode = MODE_USER };
	ch->side[RX] = (struct channel_side){ .keys = rx, .mode = MODE_USER };
}

void channel_fini(struct channel *ch)
{
	for (int d = 0; d < N_DIRECTIONS; d++) {
		aead_forget(ch->side[d].keys);
		keys_free(ch->side[d].keys);
		ch->side[d] = (struct channel_side){ 0 };
	}
	pool_put(ch->pool, &ch->tx.buf);
	pool_put(ch->pool, &ch->rx.buf);
}

int channel_move_to_kernel(struct channel *ch, enum direction d)
{
	struct channel_side *side = &ch->side[d];
	int err;

	if (side->mode != MODE_USER || (d == TX ? ch->tx.buf : ch->rx.buf))
		return -EBUSY;
	err = ktls_install(ch->fd, d, side->keys);
	if (err)
		return err;
	side->mode = MODE_KERNEL;
	if (d == TX)
		ch->n_sent = side->keys->seq;
	aead_forget(side->keys);
	keys_forget_key(side->keys);
	return 0;
}

static struct channel_event event_error(enum reason reason, int err)
{
	return (struct channel_event){ .result = CHANNEL_ERROR, .reason = reason, .err = err };
}

/*
 * The kernel keeps the error of a bad record for the socket's next call (sk_err), which is the
 * sending of the alert: takes it off.
 */
static void clear_socket_error(const struct channel *ch, int err)
{
	if (ch->side[RX].mode == MODE_KERNEL &&
	    (err == EBADMSG || err == EINVAL || err == EMSGSIZE))
		(void)ktls_take_error(ch->fd);
}

/* The one place where an errno of a record layer gets its meaning. */
enum reason channel_reason(int err)
{
	switch (err) {
	case EBADMSG:
		return REASON_BAD_RECORD_MAC;
	case EINVAL:
		return REASON_BAD_RECORD_HEADER;
	case EMSGSIZE:
		return REASON_RECORD_OVERFLOW;
	case EPROTO:
		return REASON_UNEXPECTED_MESSAGE;
	case ENODATA:
		return REASON_TRUNCATED_RECORD;
	case ENOMEM:
	case ENOBUFS:
		return REASON_NO_MEMORY;
	case ECONNRESET:
	case EPIPE:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ECONNABORTED:
		return REASON_PEER_RESET;
	default:
		return REASON_INTERNAL;
	}
}

static struct channel_event event_errno(const struct channel *ch, int err)
{
	clear_socket_error(ch, err);
	switch (err) {
	case EAGAIN:
		return (struct channel_event){ .result = CHANNEL_AGAIN };
	case EKEYEXPIRED:
		return (struct channel_event){ .result = CHANNEL_REKEY_WAIT, .err = err };
	default:
		return event_error(channel_reason(err), err);
	}
}

static struct channel_event event_bytes(uint8_t type, size_t len)
{
	return (struct channel_event){ .result = type == RECORD_DATA ? CHANNEL_DATA :
								       CHANNEL_CONTROL,
				       .type = type,
				       .len = len };
}

/* After a call of the record layer in user space: the sequence number tells what it did. */
static void count_records(struct channel *ch, enum direction d, uint64_t seq_before)
{
	if (ch->records)
		count_add(&ch->records[d], (int64_t)(ch->side[d].keys->seq - seq_before));
}

static ssize_t send_record(struct channel *ch, uint8_t type, const void *buf, size_t len, bool more)
{
	struct keys *keys = ch->side[TX].keys;
	uint64_t seq = keys->seq;
	ssize_t n = record_send(ch->fd, keys, &ch->tx, ch->pool, type, buf, len, more);

	count_records(ch, TX, seq);
	return n;
}

static ssize_t recv_record(struct channel *ch, uint8_t *type, void *buf, size_t cap)
{
	struct keys *keys = ch->side[RX].keys;
	uint64_t seq = keys->seq;
	ssize_t n = record_recv(ch->fd, keys, &ch->rx, ch->pool, type, buf, cap);

	count_records(ch, RX, seq);
	return n;
}

/*
 * After a call that has sent from the kernel, which does not say in how many records: a record ends
 * when the call does, when it is full, or when its pages are used up. Too many are counted rather than
 * too few; channel_key_is_spent() asks for the truth.
 */
static void count_sent(struct channel *ch, ssize_t len)
{
	enum { LEAST_FULL = 512 };

	if (ch->side[TX].mode == MODE_KERNEL && len >= 0)
		ch->n_sent += (uint64_t)len / LEAST_FULL + 1;
}

bool channel_key_is_spent(struct channel *ch, uint64_t limit)
{
	struct channel_side *side = &ch->side[TX];

	if (side->mode != MODE_KERNEL)
		return side->keys->seq >= limit;
	if (ch->n_sent < limit)
		return false;
	return ktls_read_seq(ch->fd, TX, side->keys->suite, &ch->n_sent) || ch->n_sent >= limit;
}

static struct channel_event send_bytes(struct channel *ch, uint8_t type, const void *buf,
				       size_t len, bool more)
{
	ssize_t n = ch->side[TX].mode == MODE_KERNEL ? ktls_send(ch->fd, type, buf, len, more) :
						       send_record(ch, type, buf, len, more);

	count_sent(ch, n);
	return n < 0 ? event_errno(ch, (int)-n) : event_bytes(type, (size_t)n);
}

struct channel_event channel_send(struct channel *ch, uint8_t type, const void *buf, size_t len)
{
	return send_bytes(ch, type, buf, len, false);
}

struct channel_event channel_send_more(struct channel *ch, const void *buf, size_t len)
{
	return send_bytes(ch, RECORD_DATA, buf, len, true);
}

struct channel_event channel_send_last(struct channel *ch, uint8_t type, const void *buf,
				       size_t len)
{
	bool is_kernel = ch->side[TX].mode == MODE_KERNEL;

	if (is_kernel)
		ktls_cork(ch->fd); /* MSG_MORE would leave the record open */
	return send_bytes(ch, type, buf, len, !is_kernel);
}

struct channel_event channel_flush(struct channel *ch)
{
	int err = record_flush(ch->fd, &ch->tx, ch->pool);

	return err ? event_errno(ch, -err) : event_bytes(RECORD_DATA, 0);
}

/*
 * An empty data record costs as much as a short one and moves nothing (RFC 8446 5.1 allows it, to
 * hide lengths). Nobody needs many in a row, and without an end of them the connection would never
 * be idle nor ever do anything.
 */
static bool is_flood(struct channel *ch, size_t len)
{
	ch->n_empty = len ? 0 : (uint8_t)MIN_OF(ch->n_empty + 1, UINT8_MAX);
	return ch->n_empty > CHANNEL_EMPTY_MAX;
}

static struct channel_event event_received(struct channel *ch, uint8_t type, size_t len)
{
	if (type == RECORD_DATA && is_flood(ch, len))
		return event_error(REASON_RECORD_FLOOD, 0);
	return event_bytes(type, len);
}

struct channel_event channel_recv(struct channel *ch, void *buf, size_t cap)
{
	uint8_t type;
	ssize_t n = ch->side[RX].mode == MODE_KERNEL ? ktls_recv(ch->fd, &type, buf, cap) :
						       recv_record(ch, &type, buf, cap);

	if (ch->splice_refused && (n == -EAGAIN || n == -ENODATA || (!n && !type)))
		n = -EINVAL;
	ch->splice_refused = false;
	if (n < 0)
		return event_errno(ch, (int)-n);
	if (!n && !type)
		return (struct channel_event){ .result = CHANNEL_EOF };
	return event_received(ch, type, (size_t)n);
}

enum { SPLICE_FLAGS = SPLICE_F_NONBLOCK | SPLICE_F_MOVE };

/*
 * splice() has no way to say "not data": it gives 0 for an empty data record as for the end, and
 * fails with EINVAL on a control record. That is also, once, how it tells of a header with a wrong
 * version, and then there is nothing to receive.
 *
 * While the peer may send more, 0 is not the end, and receiving would not do: recvmsg() looks for
 * data behind the empty record, and takes all the empty ones that come meanwhile in one call.
 */
struct channel_event channel_splice_in(struct channel *ch, int pipe_fd, size_t len)
{
	ssize_t n = splice(ch->fd, NULL, pipe_fd, NULL, len, SPLICE_FLAGS);

	if (n > 0 || (!n && !ktls_is_ended(ch->fd)))
		return event_received(ch, RECORD_DATA, (size_t)n);
	ch->splice_refused = n < 0 && errno == EINVAL;
	if (n == 0 || errno == EINVAL || errno == EINTR)
		return event_bytes(0, 0);
	return event_errno(ch, errno);
}

struct channel_event channel_splice_out(struct channel *ch, int pipe_fd, size_t len)
{
	ssize_t n = ktls_splice(ch->fd, pipe_fd, len);

	count_sent(ch, n);
	return n < 0 ? event_errno(ch, (int)-n) : event_bytes(RECORD_DATA, (size_t)n);
}

/* sendfile() does not say which of its two descriptors has failed: ask the file. */
static struct channel_event sendfile_error(const struct channel *ch, int file_fd, off_t off,
					   int err)
{
	uint8_t byte;

	if (err != EAGAIN && pread(file_fd, &byte, sizeof(byte), off) < 0)
		return event_error(REASON_FILE_FAILED, errno);
	return event_errno(ch, err);
}

struct channel_event channel_sendfile(struct channel *ch, int file_fd, off_t *off, size_t len)
{
	ssize_t n = ktls_sendfile(ch->fd, file_fd, off, len);

	count_sent(ch, n);
	if (n < 0)
		return sendfile_error(ch, file_fd, *off, (int)-n);
	return n ? event_bytes(RECORD_DATA, (size_t)n) :
		   (struct channel_event){ .result = CHANNEL_EOF };
}

bool channel_has_pending(const struct channel *ch)
{
	return record_rx_pending(&ch->rx);
}

bool channel_is_drained(const struct channel *ch)
{
	return ch->side[RX].mode == MODE_USER && !ch->rx.buf && ch->rx.was_short;
}

bool channel_has_unsent(const struct channel *ch)
{
	return ch->tx.buf;
}

int channel_rekey(struct channel *ch, enum direction d)
{
	struct channel_side *side = &ch->side[d];
	int err;

	if (side->keys->suite->version != TLS13)
		return -EINVAL;
	err = aead_derive_next(side->keys);
	if (err || side->mode != MODE_KERNEL)
		return err;
	if (d == TX)
		ch->n_sent = 0;
	err = ktls_install(ch->fd, d, side->keys);
	keys_forget_key(side->keys);
	return err;
}
