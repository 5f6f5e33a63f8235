/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pump of an open connection, and its orderly end. */
#include "serve/relay.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/counters.h"
#include "base/util.h"
#include "serve/conn.h"
#include "serve/worker.h"
#include "tls/ktls.h"
#include "tls/posthandshake.h"
#include "tls/probe.h"

/* Less than any send queue holds. */
enum { NEVER_FILLS = 4096 };

static struct flow_env env_of(struct conn *c, bool no_fetch)
{
	struct worker *w = c->port->worker;

	return (struct flow_env){ .channel = &c->channel,
				  .backend_fd = c->backend.fd,
				  .pool = &w->pool,
				  .pipes = &w->pipes,
				  .counters = &w->counters,
				  .no_fetch = no_fetch };
}

void relay_release(struct conn *c)
{
	struct flow_env env = env_of(c, true);

	flow_release(&c->up, &env);
	flow_release(&c->down, &env);
}

bool relay_waits_for_client(const struct conn *c)
{
	return flow_is_in_flight(&c->down) || channel_has_unsent(&c->channel) ||
	       (c->goodbye_begun && !c->down_done);
}

bool relay_waits_for_backend(const struct conn *c)
{
	return flow_is_in_flight(&c->up);
}

/* ---- key updates ---- */

/* Sends the KeyUpdate that is due, then changes the sending keys. True when nothing is due. */
static bool answer_update(struct conn *c)
{
	uint8_t message[KEY_UPDATE_LEN];
	struct channel_event ev;
	int err;

	if (!c->update_due)
		return true;
	posthandshake_put_key_update(message);
	ev = channel_send(&c->channel, RECORD_HANDSHAKE, message, sizeof(message));
	if (ev.result == CHANNEL_AGAIN)
		return false;
	c->update_due = false;
	if (ev.result == CHANNEL_ERROR) {
		conn_end(c, ev.reason, ev.err);
		return false;
	}
	err = channel_rekey(&c->channel, TX);
	if (err) {
		conn_end(c, REASON_INTERNAL, -err);
		return false;
	}
	count_add(&c->port->worker->counters.value[COUNTER_REKEYS_TX], 1);
	return true;
}

static bool kernel_can_rekey(const struct conn *c, enum direction d)
{
	const struct channel_side *side = &c->channel.side[d];
	const struct probe *probe = atomic_load(&c->port->worker->limits->probe);

	return side->mode != MODE_KERNEL ||
	       probe_find(probe, side->keys->suite, d)->rekey.verdict == PROBE_YES;
}

/*
 * The peer has new sending keys, and may want new ones from us. A kernel side that cannot change
 * keys ends here: before anything is answered, so that what is sent still decrypts at the peer.
 */
static bool follow_update(struct conn *c, bool answer)
{
	int err;

	if (!kernel_can_rekey(c, RX) || (answer && !kernel_can_rekey(c, TX))) {
		conn_end(c, REASON_REKEY_UNANSWERABLE, EBUSY);
		return false;
	}
	err = channel_rekey(&c->channel, RX);
	if (err) {
		conn_end(c, err == -EBUSY ? REASON_REKEY_UNANSWERABLE : REASON_INTERNAL, -err);
		return false;
	}
	count_add(&c->port->worker->counters.value[COUNTER_REKEYS_RX], 1);
	c->update_due |= answer;
	return true;
}

/* ---- up ---- */

/* Acts on a record that is not data. True if the flow goes on. */
static bool take_control(struct conn *c, const struct flow_event *ev)
{
	struct posthandshake_verdict v = posthandshake_take(&c->posthandshake, c->version, ev->type,
							    c->up.buf->data, ev->len, now_ns());

	switch (v.action) {
	case POSTHANDSHAKE_NONE:
		return true;
	case POSTHANDSHAKE_PEER_CLOSED:
		c->up.source_ended = true;
		c->close_notify_received = true;
		return true;
	case POSTHANDSHAKE_REKEY_RX:
	case POSTHANDSHAKE_REKEY_BOTH:
		return follow_update(c, v.action == POSTHANDSHAKE_REKEY_BOTH);
	case POSTHANDSHAKE_END:
		c->alert_received = v.peer_alert;
		if (!c->goodbye_begun) {
			c->goodbye_begun = true;
			c->alert_due = v.alert;
		}
		conn_end(c, v.reason, 0);
		return false;
	}
	return false;
}

/* The client has finished and the backend has its bytes: pass the end on. */
static void finish_up(struct conn *c)
{
	if (c->up_done)
		return;
	c->up_done = true;
	if (c->backend.fd >= 0)
		shutdown(c->backend.fd, SHUT_WR);
}

/* True if the connection is still open afterwards. */
static bool run_up(struct conn *c)
{
	struct flow_env env = env_of(c, false);

	for (;;) {
		struct flow_event ev = flow_up(&c->up, &env);

		switch (ev.result) {
		case FLOW_CONTROL:
			if (!take_control(c, &ev))
				return false;
			continue;
		case FLOW_YIELD:
			worker_queue(c->port->worker, c);
			return true;
		case FLOW_ENDED:
			finish_up(c);
			return true;
		case FLOW_BACKEND_ERROR: /* it reads no more, but its answer may be on the way */
			c->up.discard = true;
			continue;
		case FLOW_CHANNEL_ERROR:
			conn_end(c, ev.reason, ev.err);
			return false;
		case FLOW_REKEY_WAIT: /* we rekey at once, so the kernel cannot be waiting */
			conn_end(c, REASON_INTERNAL, EKEYEXPIRED);
			return false;
		case FLOW_WAIT_SOURCE:
		case FLOW_WAIT_SINK:
			return true;
		}
	}
}

/* ---- down ---- */

bool relay_say_goodbye(struct conn *c)
{
	uint8_t alert[ALERT_LEN];
	struct channel_event ev;

	if (c->alert_due == ALERT_NONE) {
		ev = channel_flush(&c->channel);
		return ev.result != CHANNEL_AGAIN;
	}
	posthandshake_put_alert(c->alert_due, alert);
	ev = channel_send(&c->channel, RECORD_ALERT, alert, sizeof(alert));
	if (ev.result == CHANNEL_AGAIN)
		return false;
	if (ev.result == CHANNEL_CONTROL)
		c->alert_sent = c->alert_due;
	c->alert_due = ALERT_NONE;
	return ev.result == CHANNEL_ERROR || !channel_has_unsent(&c->channel);
}

/*
 * FIN and close make the kernel abandon records that wait behind a full TCP queue: before them,
 * all that was sent must have been acknowledged, at two looks in a row, because records that
 * found the queue full come to TCP a moment after it has room. Too few bytes to ever fill a queue
 * need no look.
 */
static bool is_settled(struct conn *c)
{
	struct ktls_progress p;

	if (c->channel.side[TX].mode != MODE_KERNEL || c->down.bytes < NEVER_FILLS)
		return true;
	p = ktls_progress(c->client.fd);
	c->n_settled = p.is_settled ? c->n_settled + 1 : 0;
	if (c->n_settled >= 2)
		return true;
	if (p.acked != c->acked)
		worker_set_deadline(c->port->worker, c, DEADLINE_STALL);
	c->acked = p.acked;
	worker_queue_retry(c->port->worker, c);
	return false;
}

/* The backend has finished and the client has its bytes: close_notify, then FIN. */
static void finish_down(struct conn *c)
{
	if (c->down_done)
		return;
	if (!c->goodbye_begun) {
		c->goodbye_begun = true;
		c->alert_due = ALERT_CLOSE_NOTIFY;
	}
	if (!relay_say_goodbye(c) || !is_settled(c))
		return;
	c->down_done = true;
	shutdown(c->client.fd, SHUT_WR);
}

/* A client that has said goodbye may well be gone when our last bytes come. */
static void end_by_client(struct conn *c, const struct flow_event *ev)
{
	bool fine = ev->reason == REASON_PEER_RESET && c->close_notify_received &&
		    !flow_is_in_flight(&c->down);

	conn_end(c, fine ? REASON_CLOSED : ev->reason, fine ? 0 : ev->err);
}

static bool run_down(struct conn *c)
{
	struct flow_env env = env_of(c, false);
	struct flow_event ev;

	if (!answer_update(c))
		return c->state == CONN_OPEN;
	ev = flow_down(&c->down, &env);
	switch (ev.result) {
	case FLOW_YIELD:
		worker_queue(c->port->worker, c);
		return true;
	case FLOW_ENDED:
		finish_down(c);
		return true;
	case FLOW_CHANNEL_ERROR:
		end_by_client(c, &ev);
		return false;
	case FLOW_BACKEND_ERROR:
		conn_end(c, REASON_BACKEND_RESET, ev.err);
		return false;
	default:
		return true;
	}
}

static enum deadline open_deadline(const struct conn *c)
{
	bool waits = relay_waits_for_client(c) || relay_waits_for_backend(c) || c->goodbye_begun;

	return waits ? DEADLINE_STALL : DEADLINE_IDLE;
}

void relay_run(struct conn *c)
{
	uint64_t before = c->up.bytes + c->down.bytes;
	enum deadline d;

	if (!run_up(c) || !run_down(c))
		return;
	if (c->up_done && c->down_done) {
		conn_end(c, c->close_notify_received ? REASON_CLOSED : REASON_TRUNCATED, 0);
		return;
	}
	d = open_deadline(c);
	if (d != c->deadline || c->up.bytes + c->down.bytes != before)
		worker_set_deadline(c->port->worker, c, d);
}

/* ---- drain ---- */

void relay_drain(struct conn *c)
{
	struct flow_env env = env_of(c, true);
	struct flow_event ev = { .result = FLOW_ENDED };

	if (c->fin_sent)
		return;
	if (c->deliver_first) {
		if (c->backend.fd >= 0)
			flow_up(&c->up, &env);
		ev = flow_down(&c->down, &env);
	}
	if (ev.result == FLOW_WAIT_SINK)
		return;
	flow_release(&c->up, &env);
	flow_release(&c->down, &env);
	if (!relay_say_goodbye(c) || (c->deliver_first && !is_settled(c)))
		return;
	c->fin_sent = true;
	shutdown(c->client.fd, SHUT_WR);
	worker_set_deadline(c->port->worker, c, DEADLINE_LINGER);
}
