/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two directions of one protected connection, each carried by a record layer: in user space
 * (record) or in the kernel (ktls). Knows records and their types, not what they mean: that is
 * posthandshake's.
 */
#ifndef KTLSD_TLS_CHANNEL_H
#define KTLSD_TLS_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/counters.h"
#include "base/keys.h"
#include "base/pool.h"
#include "tls/record.h"

struct channel_side {
	struct keys *keys; /* owned; in kernel mode without the key itself */
	enum mode mode;
};

struct channel {
	int fd; /* the caller's */
	struct pool *pool;
	/* Counters by direction of records that user space has sealed or opened, or NULL. */
	atomic_uint_least64_t *records;
	struct channel_side side[N_DIRECTIONS];
	struct record_tx tx; /* user mode's bytes in flight */
	struct record_rx rx;
	uint64_t n_sent;     /* records the kernel has sent under this key: at most so many */
	uint8_t n_empty;     /* empty data records in a row */
	bool splice_refused; /* the last splice in failed with EINVAL: see channel_recv() */
};

/* More empty data records in a row than that are REASON_RECORD_FLOOD. */
enum { CHANNEL_EMPTY_MAX = 32 };

enum channel_result {
	CHANNEL_DATA,	    /* bytes of application data */
	CHANNEL_CONTROL,    /* bytes of a record of another type */
	CHANNEL_AGAIN,	    /* the socket has no more now, or takes no more */
	CHANNEL_EOF,	    /* the peer's FIN, without a close_notify from here; the file's end */
	CHANNEL_REKEY_WAIT, /* the kernel waits for new receive keys */
	CHANNEL_ERROR,
};

/*
 * What one call gave. For CHANNEL_ERROR reason and err (errno, positive) say why; unless it is
 * REASON_PEER_RESET, an alert can still be sent.
 */
struct channel_event {
	enum channel_result result;
	enum reason reason;
	int err;
	uint8_t type; /* record type, for DATA and CONTROL */
	size_t len;   /* bytes given or taken; an empty record is DATA or CONTROL with 0 */
};

/* What a positive errno of a record layer, or of its socket (SO_ERROR), means. */
enum reason channel_reason(int err);

/* Starts with both directions in user mode; takes ownership of the keys. */
void channel_init(struct channel *ch, int fd, struct pool *pool, struct keys *tx, struct keys *rx);

/* Wipes keys, gives buffers back; the socket stays open. A zeroed channel is fine. */
void channel_fini(struct channel *ch);

/*
 * Moves a direction into the kernel, for good. Only at a record boundary with nothing buffered:
 * -EBUSY otherwise. 0, or the kernel's -errno with the direction still in user mode.
 */
int channel_move_to_kernel(struct channel *ch, enum direction d);

/* Sends bytes as records of that type: DATA/CONTROL with the bytes taken (a short count is
 * possible), AGAIN, or ERROR. Bytes taken in user mode may still wait: channel_flush(). */
struct channel_event channel_send(struct channel *ch, uint8_t type, const void *buf, size_t len);

/*
 * channel_send() of data that is followed by more at once: in the kernel the record stays open for
 * it. Whoever has nothing to follow after all must send an alert, which closes the record.
 */
struct channel_event channel_send_more(struct channel *ch, const void *buf, size_t len);

/* channel_send() of what is followed by shutdown() at once: its segment waits for the FIN. */
struct channel_event channel_send_last(struct channel *ch, uint8_t type, const void *buf,
				       size_t len);

/* Writes what waits in user mode: AGAIN while something is left, DATA when nothing is. */
struct channel_event channel_flush(struct channel *ch);

/*
 * Receives bytes of one type into buf, cap > 0. In user mode they are of one record, whose rest
 * comes with the next call; in the kernel data of several records may come at once. Records that
 * are not data never do: what is left of a control record comes with the next call.
 */
struct channel_event channel_recv(struct channel *ch, void *buf, size_t cap);

/*
 * Moves up to len bytes of data from the kernel's receive side into the pipe, or from the pipe,
 * which holds at least that many, into its send side. The direction is in kernel mode. DATA with
 * the bytes moved, 0 of an empty record; AGAIN; ERROR; CONTROL with len 0 when something that is
 * not data is at the head: call channel_recv().
 */
struct channel_event channel_splice_in(struct channel *ch, int pipe_fd, size_t len);
struct channel_event channel_splice_out(struct channel *ch, int pipe_fd, size_t len);

/*
 * Sends up to len > 0 bytes of the file from *off, which moves on, as data. tx is in kernel mode.
 * DATA with the bytes taken; AGAIN; EOF when the file has no more; ERROR, with REASON_FILE_FAILED
 * when it is the file that cannot be read. After the latter two the record may still be open:
 * see channel_send_more().
 */
struct channel_event channel_sendfile(struct channel *ch, int file_fd, off_t *off, size_t len);

/* True if channel_recv() has bytes that epoll will not report. */
bool channel_has_pending(const struct channel *ch);

/* True if the last channel_recv(), in user mode, has emptied the socket's queue and gave it all. */
bool channel_is_drained(const struct channel *ch);

/* True if bytes taken by channel_send() still wait for the socket. */
bool channel_has_unsent(const struct channel *ch);

/*
 * TLS 1.3 key update of one direction (RFC 8446 7.2): next secret, new keys, in the layer that
 * carries it. 0; -EBUSY when this kernel cannot; else -errno. On error the direction is unusable.
 */
int channel_rekey(struct channel *ch, enum direction d);

/*
 * True when the sending key has protected `limit` records and is due for a change, or when the kernel
 * does not say (RFC 8446 5.5). Cheap: the kernel is asked only when it can be true.
 */
bool channel_key_is_spent(struct channel *ch, uint64_t limit);

/*
 * The whole state of a channel, without the socket: keys, modes and buffered bytes, for handing a
 * connection to another process. What the kernel holds (its key, its sequence number) stays with
 * the socket. The blob has secrets in it: the caller wipes it. channel_export() gives its length,
 * or -ENOSPC when cap is too small. channel_import() takes nothing on error: -EINVAL for a blob
 * that is not whole and sound, -ENOMEM.
 */
enum { CHANNEL_EXPORT_MAX = 512 + 2 * POOL_BUFFER_LEN };
ssize_t channel_export(const struct channel *ch, uint8_t *blob, size_t cap);
int channel_import(struct channel *ch, int fd, struct pool *pool, const uint8_t *blob, size_t len);

#endif
