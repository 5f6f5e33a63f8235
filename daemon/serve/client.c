/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control records of the client's, key updates, and the orderly end. */
#include "serve/client.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/counters.h"
#include "base/util.h"
#include "serve/backend.h"
#include "serve/conn.h"
#include "serve/limits.h"
#include "serve/listener.h"
#include "serve/tally.h"
#include "serve/worker.h"
#include "tls/ktls.h"
#include "tls/posthandshake.h"
#include "tls/probe.h"

/* Less than any send queue holds. */
enum { NEVER_FILLS = 4096 };

/* ---- key updates ---- */

static bool kernel_can_rekey(const struct conn *c, enum direction d)
{
	const struct channel_side *side = &c->channel.side[d];
	const struct probe *probe = atomic_load(&c->port->worker->limits->probe);

	return side->mode != MODE_KERNEL ||
	       probe_find(probe, side->keys->suite, d)->rekey.verdict == PROBE_YES;
}

static bool sending_key_is_spent(struct conn *c)
{
	uint64_t limit = UINT64_C(1) << c->channel.side[TX].keys->suite->limit_log2;
	unsigned configured = atomic_load(&c->port->worker->limits->max_key_records);

	return channel_key_is_spent(&c->channel, configured ? MIN_OF(configured, limit) : limit);
}

/* True if it can go on with this key, or with the one that a KeyUpdate brings. */
static bool look_at_sending_key(struct conn *c)
{
	if (c->update_due || c->goodbye_begun || !sending_key_is_spent(c))
		return true;
	if (c->version != TLS13 || !kernel_can_rekey(c, TX)) {
		tally_rekey(c, TX, REKEY_LOCAL, REKEY_REFUSED);
		conn_end(c, REASON_KEY_SPENT, 0);
		return false;
	}
	c->update_due = c->update_is_ours = true;
	return true;
}

bool client_update_keys(struct conn *c)
{
	uint8_t message[KEY_UPDATE_LEN];
	enum rekey_initiator initiator;
	struct channel_event ev;
	int err;

	if (c->goodbye_begun) /* nothing may follow it (RFC 8446 6.1) */
		c->update_due = c->update_is_ours = false;
	if (!look_at_sending_key(c))
		return false;
	if (!c->update_due)
		return true;
	posthandshake_put_key_update(message);
	ev = channel_send(&c->channel, RECORD_HANDSHAKE, message, sizeof(message));
	if (ev.result == CHANNEL_AGAIN)
		return false;
	initiator = c->update_is_ours ? REKEY_LOCAL : REKEY_PEER;
	c->update_due = c->update_is_ours = false;
	if (ev.result == CHANNEL_ERROR) {
		conn_end(c, ev.reason, ev.err);
		return false;
	}
	err = channel_rekey(&c->channel, TX);
	tally_rekey(c, TX, initiator, err ? REKEY_FAILED : REKEY_OK);
	if (err)
		conn_end(c, REASON_INTERNAL, -err);
	return !err;
}

/*
 * The peer has new sending keys, and may want new ones from us. A kernel side that cannot change
 * keys ends here: before anything is answered, so that what is sent still decrypts at the peer.
 */
static enum client_verdict follow_update(struct conn *c, bool answer)
{
	int err;

	answer = answer && !c->goodbye_begun; /* there is nothing more to send */
	if (!kernel_can_rekey(c, RX) || (answer && !kernel_can_rekey(c, TX))) {
		tally_rekey(c, kernel_can_rekey(c, RX) ? TX : RX, REKEY_PEER, REKEY_REFUSED);
		conn_end(c, REASON_REKEY_UNANSWERABLE, EBUSY);
		return CLIENT_ENDED;
	}
	err = channel_rekey(&c->channel, RX);
	tally_rekey(c, RX, REKEY_PEER,
		    !err	  ? REKEY_OK :
		    err == -EBUSY ? REKEY_REFUSED :
				    REKEY_FAILED);
	if (err) {
		conn_end(c, err == -EBUSY ? REASON_REKEY_UNANSWERABLE : REASON_INTERNAL, -err);
		return CLIENT_ENDED;
	}
	c->update_due |= answer;
	return CLIENT_GOES_ON;
}

enum client_verdict client_take_control(struct conn *c, uint8_t type, const uint8_t *data,
					size_t len)
{
	struct posthandshake_verdict v =
		posthandshake_take(&c->posthandshake, c->version, type, data, len, now_ns());

	switch (v.action) {
	case POSTHANDSHAKE_NONE:
		return CLIENT_GOES_ON;
	case POSTHANDSHAKE_PEER_CLOSED:
		c->close_notify_received = true;
		return CLIENT_FINISHED;
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
		return CLIENT_ENDED;
	}
	return CLIENT_ENDED;
}

/* ---- the goodbye ---- */

/* Nothing has to arrive before: see is_settled(). */
static bool fin_follows(const struct conn *c)
{
	return c->channel.side[TX].mode != MODE_KERNEL || c->bytes[TX] < NEVER_FILLS;
}

/* Sends the alert that is due, as far as the channel still can. True when nothing is left. */
static bool say_goodbye(struct conn *c)
{
	uint8_t alert[ALERT_LEN];
	struct channel_event ev;

	if (c->alert_due == ALERT_NONE) {
		ev = channel_flush(&c->channel);
		return ev.result != CHANNEL_AGAIN;
	}
	posthandshake_put_alert(c->alert_due, alert);
	ev = fin_follows(c) ? channel_send_last(&c->channel, RECORD_ALERT, alert, sizeof(alert)) :
			      channel_send(&c->channel, RECORD_ALERT, alert, sizeof(alert));
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

	if (fin_follows(c))
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

bool client_finish(struct conn *c)
{
	if (c->tx_finished)
		return true;
	if (!c->goodbye_begun) {
		c->goodbye_begun = true;
		c->alert_due = ALERT_CLOSE_NOTIFY;
	}
	if (!say_goodbye(c) || !is_settled(c))
		return false;
	c->tx_finished = true;
	shutdown(c->client.fd, SHUT_WR);
	return true;
}

void client_drain(struct conn *c)
{
	const struct backend_ops *backend = c->port->listener->backend;

	if (c->fin_sent)
		return;
	if (c->deliver_first && !backend->deliver(c))
		return;
	backend->drop(c);
	if (!say_goodbye(c) || (c->deliver_first && !is_settled(c)))
		return;
	c->fin_sent = true;
	shutdown(c->client.fd, SHUT_WR);
	worker_set_deadline(c->port->worker, c, DEADLINE_LINGER);
}
