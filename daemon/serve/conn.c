/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a connection: states, deadlines, the one way out. */
#include "serve/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/counters.h"
#include "base/util.h"
#include "serve/backend.h"
#include "serve/client.h"
#include "serve/connlog.h"
#include "serve/limits.h"
#include "serve/listener.h"
#include "serve/setup.h"
#include "serve/tally.h"
#include "serve/worker.h"

/* ---- states ---- */

void conn_enter(struct conn *c, enum conn_state state)
{
	if (!state_may_follow(c->state, state))
		connlog_bad_step(c, state);
	tally_place(c, -1);
	c->state = state;
	tally_place(c, 1);
	if (state_deadline(state) != c->deadline) /* ACCEPTED and HANDSHAKE share one */
		worker_set_deadline(c->port->worker, c, state_deadline(state));
}

static const struct backend_ops *backend_of(const struct conn *c)
{
	return c->port->listener->backend;
}

void conn_close(struct conn *c)
{
	struct worker *w = c->port->worker;
	int fd = loop_forget(&c->client);

	if (c->state == CONN_CLOSED)
		return;
	backend_of(c)->drop(c);
	backend_of(c)->close(c);
	setup_leave_handshake(c);
	connlog_end(c);
	count_add(&w->counters.end[c->end], 1);
	for (int d = 0; d < N_DIRECTIONS; d++)
		if (c->channel.side[d].mode == MODE_KERNEL)
			atomic_fetch_sub(&c->port->listener->totals->kernel[d], 1);
	tally_close(c);
	conn_enter(c, CONN_CLOSED);
	channel_fini(&c->channel);
	fd_close(&fd);
	worker_forget(w, c);
}

/* Reasons after which what was already taken from the backend must still arrive. */
static bool delivers_first(enum reason reason)
{
	return reason == REASON_REKEY_UNANSWERABLE || reason == REASON_KEY_SPENT ||
	       reason == REASON_BACKEND_RESET || reason == REASON_REQUEST_TIMEOUT ||
	       reason == REASON_TOTAL_TIMEOUT || reason == REASON_DRAINED;
}

bool conn_is_idle(const struct conn *c)
{
	const struct backend_ops *backend = backend_of(c);

	return c->state == CONN_OPEN && c->deadline == DEADLINE_IDLE &&
	       (!backend->is_idle || backend->is_idle(c));
}

/*
 * close_notify vouches for all that came before (RFC 8446 6.1). Whoever is cut off in the middle by
 * this host's will gets a bare FIN, which does not.
 */
static uint8_t alert_of(const struct conn *c, enum reason reason)
{
	bool is_our_will = reason == REASON_SHUTDOWN || reason == REASON_DRAINED ||
			   reason == REASON_TOTAL_TIMEOUT;

	return is_our_will && !conn_is_idle(c) ? ALERT_NONE : posthandshake_alert(reason);
}

void conn_end(struct conn *c, enum reason reason, int err)
{
	bool has_channel = c->channel.side[TX].keys;

	if (c->end != REASON_NONE)
		return;
	c->end = reason;
	c->end_err = err;
	tally_end(c, reason);
	if (!has_channel || reason == REASON_PEER_RESET || (c->rx_finished && c->tx_finished)) {
		conn_close(c);
		return;
	}
	c->deliver_first = delivers_first(reason);
	if (!c->goodbye_begun) {
		c->goodbye_begun = true;
		c->alert_due = alert_of(c, reason);
	}
	conn_enter(c, CONN_DRAIN);
	client_drain(c);
}

void conn_free(struct conn *c)
{
	struct port *port = c->port;

	port->n_conns--;
	atomic_fetch_sub(&port->listener->totals->open, 1);
	limits_leave(port->worker->limits, c->address);
	count_add(&port->worker->counters.value[COUNTER_OPEN], -1);
	free(c->facts);
	free(c);
}

void conn_expire(struct conn *c)
{
	enum reason reason;

	switch (c->state) {
	case CONN_ACCEPTED:
		conn_end(c, REASON_HELLO_TIMEOUT, ETIMEDOUT);
		break;
	case CONN_HANDSHAKE:
		conn_end(c, REASON_HANDSHAKE_TIMEOUT, ETIMEDOUT);
		break;
	case CONN_CONNECT:
		conn_end(c, REASON_BACKEND_TIMEOUT, ETIMEDOUT);
		break;
	case CONN_OPEN:
		reason = backend_of(c)->overdue(c);
		conn_end(c, reason,
			 reason == REASON_CLOSED || reason == REASON_IDLE_TIMEOUT ? 0 : ETIMEDOUT);
		break;
	default:
		conn_close(c);
	}
}

void conn_resume(struct conn *c)
{
	if (c->state == CONN_OPEN)
		backend_of(c)->run(c);
	else if (c->state == CONN_CONNECT)
		backend_of(c)->connect(c);
	else if (c->state == CONN_DRAIN)
		client_drain(c);
}

/* ---- for people ---- */

static uint32_t epoch_of(const struct channel_side *side)
{
	return side->keys ? side->keys->epoch : 0;
}

void conn_describe(const struct conn *c, struct conn_info *info)
{
	socklen_t len = sizeof(info->local);
	const struct keys *k = c->channel.side[TX].keys;

	*info = (struct conn_info){ .cookie = c->cookie,
				    .age_ns = now_ns() - c->accepted_ns,
				    .state = c->state,
				    .version = c->version,
				    .cipher = k ? k->suite->cipher : NULL };
	snprintf(info->listener, sizeof(info->listener), "%s", c->port->listener->name);
	getsockname(c->client.fd, (struct sockaddr *)&info->local, &len);
	len = sizeof(info->peer);
	getpeername(c->client.fd, (struct sockaddr *)&info->peer, &len);
	if (c->facts)
		info->facts = *c->facts;
	for (int d = 0; d < N_DIRECTIONS; d++)
		info->side[d] = (struct conn_side_info){
			.mode = c->channel.side[d].mode,
			.reason = c->fallback[d].reason,
			.err = c->fallback[d].err,
			.bytes = c->bytes[d],
			.rekeys = epoch_of(&c->channel.side[d]),
		};
}
