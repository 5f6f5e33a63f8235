/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a socket just accepted to an open connection: hello, handshake, keys, backend. */
#include "serve/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/counters.h"
#include "base/util.h"
#include "serve/backend.h"
#include "serve/client.h"
#include "serve/conn.h"
#include "serve/connlog.h"
#include "serve/limits.h"
#include "serve/listener.h"
#include "serve/tally.h"
#include "serve/worker.h"
#include "tls/ktls.h"
#include "tls/probe.h"

static struct counters *counters_of(const struct conn *c)
{
	return &c->port->worker->counters;
}

/* ---- the handshake's end ---- */

static void note_kernel(struct conn *c, enum direction d)
{
	count_add(&counters_of(c)->value[d == TX ? COUNTER_TX_KERNEL : COUNTER_RX_KERNEL], 1);
	atomic_fetch_add(&c->port->listener->totals->kernel[d], 1);
}

static void note_fallback(struct conn *c, enum direction d, enum reason reason, int err)
{
	c->fallback[d] = (struct conn_fallback){ .reason = reason, .err = err };
	tally_fallback(c, d, reason);
}

/* Why this socket has no ULP, in the words of the reason table. */
static enum reason ulp_reason(int err)
{
	return err == ENOENT ? REASON_KTLS_NO_ULP : REASON_KTLS_ULP_REFUSED;
}

static struct policy_verdict decide(const struct conn *c, enum direction d)
{
	enum policy_value v = (enum policy_value)atomic_load(&c->port->listener->policy[d]);
	const struct probe *probe = atomic_load(&c->port->worker->limits->probe);
	struct policy_verdict verdict = policy_decide(v, d, c->channel.side[d].keys->suite, probe,
						      c->port->listener->backend->splices_rx);

	if (verdict.reason == REASON_NONE && c->ulp_err)
		verdict = (struct policy_verdict){ .reason = ulp_reason(c->ulp_err),
						   .err = c->ulp_err,
						   .refuse = v == POLICY_REQUIRE };
	return verdict;
}

/*
 * Puts the keys where policy wants them: everything is decided first, then tx, then rx. False if
 * the policy refuses the connection.
 */
static bool install(struct conn *c)
{
	struct policy_verdict verdict[N_DIRECTIONS] = { decide(c, TX), decide(c, RX) };

	for (int d = 0; d < N_DIRECTIONS; d++) {
		struct policy_verdict *v = &verdict[d];
		int err;

		if (v->reason == REASON_NONE && !verdict[TX].refuse && !verdict[RX].refuse) {
			err = channel_move_to_kernel(&c->channel, (enum direction)d);
			if (!err) {
				note_kernel(c, (enum direction)d);
				continue;
			}
			v->reason = REASON_KTLS_INSTALL;
			v->err = -err;
			v->refuse = atomic_load(&c->port->listener->policy[d]) == POLICY_REQUIRE;
		}
		if (v->reason != REASON_NONE)
			note_fallback(c, (enum direction)d, v->reason, v->err);
	}
	return !verdict[TX].refuse && !verdict[RX].refuse;
}

static void note_facts(struct conn *c, const struct handshake_outcome *out)
{
	struct counters *n = counters_of(c);

	count_add(
		&n->value[c->version == TLS13 ? COUNTER_HANDSHAKES_TLS13 : COUNTER_HANDSHAKES_TLS12],
		1);
	if (out->resumed)
		count_add(&n->value[COUNTER_HANDSHAKES_RESUMED], 1);
	tally_handshake(c, out->resumed, out->group);
	c->facts = malloc(sizeof(*c->facts));
	if (!c->facts)
		return; /* only people miss them */
	c->facts->resumed = out->resumed;
	memcpy(c->facts->group, out->group, sizeof(c->facts->group));
	memcpy(c->facts->alpn, out->alpn, sizeof(c->facts->alpn));
	memcpy(c->facts->sni, out->sni, sizeof(c->facts->sni));
}

static void finish_handshake(struct conn *c)
{
	struct handshake_failure why;
	struct handshake_outcome out;
	struct handshake *hs = c->handshake;
	int err;

	c->handshake = NULL;
	err = handshake_finish(hs, &out, &why);
	setup_leave_handshake(c);
	if (err) {
		conn_end(c, why.reason, why.err);
		return;
	}
	channel_init(&c->channel, c->client.fd, &c->port->worker->pool, out.tx, out.rx);
	c->channel.records = counters_of(c)->records;
	c->version = out.tx->suite->version;
	note_facts(c, &out);
	if (!install(c)) {
		conn_end(c, REASON_KTLS_REQUIRED, 0);
		return;
	}
	conn_enter(c, CONN_CONNECT);
	c->port->listener->backend->connect(c);
}

static void handshake_failed(struct conn *c, const struct handshake_failure *why)
{
	c->alert_sent = why->alert_sent;
	c->alert_received = why->alert_received;
	c->library_err = why->library;
	conn_end(c, why->reason, why->err);
}

void setup_leave_handshake(struct conn *c)
{
	handshake_free(c->handshake);
	c->handshake = NULL;
	if (!c->has_handshake_slot)
		return;
	c->has_handshake_slot = false;
	limits_end_handshake(c->port->worker->limits);
	count_add(&counters_of(c)->value[COUNTER_HANDSHAKES_IN_FLIGHT], -1);
}

/* ---- before and in the handshake ---- */

void setup_reset_on_close(int fd)
{
	const struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* False if a limit has ended the connection. */
static bool take_handshake_slot(struct conn *c)
{
	enum reason reason = limits_begin_handshake(c->port->worker->limits);

	if (reason != REASON_NONE) {
		setup_reset_on_close(c->client.fd);
		conn_end(c, reason, 0);
		return false;
	}
	c->has_handshake_slot = true;
	count_add(&counters_of(c)->value[COUNTER_HANDSHAKES_IN_FLIGHT], 1);
	return true;
}

static void run_handshake(struct conn *c)
{
	struct handshake_failure why;

	switch (handshake_run(c->handshake, c->client.may_hide, &why)) {
	case HANDSHAKE_DONE:
		finish_handshake(c);
		break;
	case HANDSHAKE_FAILED:
		handshake_failed(c, &why);
		break;
	case HANDSHAKE_AGAIN:
		break;
	}
}

/* The client has gone with a part of its hello: the peek still sees that part. */
static void end_before_hello(struct conn *c)
{
	int err = ktls_take_error(c->client.fd);

	conn_end(c, err ? REASON_PEER_RESET : REASON_HANDSHAKE_CLOSED, err);
}

static void try_begin(struct conn *c, bool hung_up)
{
	struct handshake_failure why;

	switch (handshake_begin(c->port->listener->offer, c->client.fd, &c->handshake, &why)) {
	case HANDSHAKE_DONE:
		break;
	case HANDSHAKE_FAILED:
		handshake_failed(c, &why);
		return;
	case HANDSHAKE_AGAIN:
		if (hung_up)
			end_before_hello(c);
		return;
	}
	if (!take_handshake_slot(c))
		return;
	conn_enter(c, CONN_HANDSHAKE);
	run_handshake(c);
}

/* The client has gone, or the kernel has met a bad record that came right behind the Finished. */
static void end_while_connecting(struct conn *c)
{
	int err = ktls_take_error(c->client.fd);

	conn_end(c, err ? channel_reason(err) : REASON_PEER_RESET, err);
}

static void client_ready(struct watch *w, uint32_t events)
{
	struct conn *c = container_of(w, struct conn, client);
	bool is_input = events & ~(uint32_t)EPOLLOUT; /* or an end of it */

	c->has_input |= is_input;
	switch (c->state) {
	case CONN_ACCEPTED:
		if (is_input)
			try_begin(c, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
		break;
	case CONN_HANDSHAKE:
		if (is_input || handshake_wants_room(c->handshake))
			run_handshake(c);
		break;
	case CONN_CONNECT:
		if (events & (EPOLLHUP | EPOLLERR))
			end_while_connecting(c);
		break;
	case CONN_OPEN:
		c->port->listener->backend->run(c);
		break;
	case CONN_DRAIN:
		if (c->fin_sent && events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			conn_close(c);
		else
			client_drain(c);
		break;
	default:
		break;
	}
}

/* ---- accept ---- */

static bool may_attach(const struct port *port)
{
	const struct listener *l = port->listener;
	const struct probe *probe = atomic_load(&port->worker->limits->probe);

	return !probe->ulp_err && (atomic_load(&l->policy[TX]) != POLICY_OFF ||
				   atomic_load(&l->policy[RX]) != POLICY_OFF);
}

static struct conn *conn_new(struct port *port)
{
	struct conn *c = calloc(1, sizeof(*c) + port->listener->backend->state_len);

	if (!c)
		return NULL;
	c->port = port;
	c->client = (struct watch){ .ready = client_ready, .fd = -1 };
	c->accepted_ns = now_ns();
	c->alert_due = c->alert_sent = c->alert_received = ALERT_NONE;
	port->n_conns++;
	port_note_age(port, c);
	atomic_fetch_add(&port->listener->totals->open, 1);
	count_add(&port->worker->counters.value[COUNTER_OPEN], 1);
	tally_place(c, 1);
	return c;
}

void setup_refuse(struct port *port, int fd, const struct sockaddr_storage *peer,
		  enum reason reason, int err)
{
	count_add(&port->worker->counters.end[reason], 1);
	connlog_refused(port->listener->name, peer, reason, err);
	setup_reset_on_close(fd);
	close(fd);
}

void setup_accept(struct port *port, int fd, const struct sockaddr_storage *peer)
{
	struct limits *limits = port->worker->limits;
	socklen_t len = sizeof(uint64_t);
	struct address *address;
	enum reason reason;
	struct conn *c;
	int err;

	atomic_fetch_add(&port->listener->totals->accepted, 1);
	reason = limits_enter(limits, peer, &address);
	if (reason != REASON_NONE) {
		setup_refuse(port, fd, peer, reason, reason == REASON_NO_MEMORY ? ENOMEM : 0);
		return;
	}
	c = conn_new(port);
	if (!c) {
		limits_leave(limits, address);
		setup_refuse(port, fd, peer, REASON_NO_MEMORY, ENOMEM);
		return;
	}
	c->address = address;
	c->peer = peer_of(peer);
	getsockopt(fd, SOL_SOCKET, SO_COOKIE, &c->cookie, &len);
	/* Now or never: after the client's FIN the kernel refuses (ENOTCONN). */
	if (may_attach(port))
		c->ulp_err = -ktls_attach(fd);
	worker_set_deadline(port->worker, c, state_deadline(c->state));
	err = loop_add(&port->worker->loop, &c->client, fd, CONN_EVENTS, false);
	if (err) {
		close(fd);
		conn_end(c, REASON_NO_MEMORY, -err);
		return;
	}
	try_begin(c, false);
}
