/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The programs that see a socket fail, and close. */
#ifndef KTLSD_BPF_PROBE_END_BPF_H
#define KTLSD_BPF_PROBE_END_BPF_H

#include "bpf/history.bpf.h"
#include "bpf/probe.bpf.h"
#include "bpf/tell.bpf.h"

/* Of the socket's own fault or the peer's: it cannot be used any more. */
static __always_inline void fail(const struct sock *sk, int direction, __u8 event, int error)
{
	struct happening h = {
		.sk = sk,
		.ctx = read_context(sk),
		.event = event,
		.direction = direction,
		.error = error < 0 ? -error : error,
	};
	struct history *past;

	if (!h.ctx)
		return;
	h.conf = read_conf(h.ctx, direction);
	past = history_make_if_open(sk, h.ctx);
	if (past) {
		struct history_direction *dir = &past->dir[direction & 1];

		history_note_error(past, h.error);
		if (event == KTLS_EVENT_FRAMING)
			dir->framing_errors++;
		else
			dir->errors++;
	}
	tell(&h);
}

/* tls_err_abort(sk, error) */
SEC("fentry/tls_err_abort")
int ktls_abort(__u64 *args)
{
	const struct sock *sk = socket_arg(args);

	fail(sk, guess_failed_direction(read_context(sk)), KTLS_EVENT_ERROR, (int)args[1]);
	return 0;
}

/* tls_strp_abort_strp(strparser, error): called again and again, and does nothing once stopped. */
SEC("fentry/tls_strp_abort_strp")
int ktls_abort_framing(__u64 *args)
{
	const struct tls_strparser *strp = (const void *)args[0];
	int error = -(int)args[1];

	if (BPF_CORE_READ_BITFIELD_PROBED(strp, stopped))
		return 0;
	fail(BPF_CORE_READ(strp, sk), KTLS_RX,
	     error == EINVAL || error == EMSGSIZE || error == EBADMSG ? KTLS_EVENT_FRAMING :
									KTLS_EVENT_ERROR,
	     error);
	return 0;
}

/* Counts what one direction carried all its life; into the event too, if there is one. */
static __always_inline void close_direction(struct happening *h, const struct history *past, int d,
					    __u64 *records, __u64 *payload, __u8 *known)
{
	*records = 0;
	*payload = past ? past->dir[d].payload : 0;
	*known = count_records(h->ctx, d, past ? past->dir[d].records_before : 0, records);
	h->direction = d;
	h->conf = read_conf(h->ctx, d);
	count(h, *records, *payload);
}

/* tls_sk_proto_close(sk, timeout). What was begun and not sent is lost from here on. */
SEC("fentry/tls_sk_proto_close")
int ktls_close(__u64 *args)
{
	struct happening h = { .sk = socket_arg(args), .event = KTLS_EVENT_CLOSE };
	__u64 records[KTLS_N_DIRECTIONS], payload[KTLS_N_DIRECTIONS];
	__u8 known[KTLS_N_DIRECTIONS];
	const struct history *past;
	struct ktls_event *e;

	h.ctx = read_context(h.sk);
	if (!h.ctx)
		return 0;
	past = history_find(h.sk, h.ctx);
	close_direction(&h, past, KTLS_TX, &records[KTLS_TX], &payload[KTLS_TX], &known[KTLS_TX]);
	close_direction(&h, past, KTLS_RX, &records[KTLS_RX], &payload[KTLS_RX], &known[KTLS_RX]);
	h.direction = KTLS_BOTH;
	h.conf |= read_conf(h.ctx, KTLS_TX); /* any: whether there are keys */
	e = event_make(&h);
	if (e) {
		e->records[KTLS_TX] = records[KTLS_TX];
		e->records[KTLS_RX] = records[KTLS_RX];
		e->payload[KTLS_TX] = payload[KTLS_TX];
		e->payload[KTLS_RX] = payload[KTLS_RX];
		e->records_known[KTLS_TX] = known[KTLS_TX];
		e->records_known[KTLS_RX] = known[KTLS_RX];
		e->unsent = has_open_record(h.ctx);
		event_send(e);
	}
	history_forget(h.sk);
	return 0;
}

#endif
