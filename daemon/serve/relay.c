/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The backend's socket, and the pump between it and the client. */
#include "serve/relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/util.h"
#include "serve/client.h"
#include "serve/conn.h"
#include "serve/flow.h"
#include "serve/listener.h"
#include "serve/setup.h"
#include "serve/worker.h"

enum { QUIET_MS = 1000 };

struct relay {
	struct conn *conn;
	struct watch watch; /* of the backend's socket, which it owns; no function: none yet */
	struct flow up, down;
	uint16_t reset_err; /* errno by which the backend has told of its reset while it was sent to */
	bool is_asked;	    /* the last byte was the client's: it may wait for an answer */
};

static struct relay *relay_of(const struct conn *c)
{
	return (struct relay *)c->backend_state;
}

static bool has_socket(const struct relay *r)
{
	return r->watch.ready && r->watch.fd >= 0;
}

static struct flow_env env_of(struct conn *c, bool no_fetch)
{
	struct worker *w = c->port->worker;

	return (struct flow_env){ .channel = &c->channel,
				  .client = &c->client,
				  .backend = &relay_of(c)->watch,
				  .pool = &w->pool,
				  .pipes = &w->pipes,
				  .counters = &w->counters,
				  .bytes = c->bytes,
				  .no_fetch = no_fetch };
}

static void relay_drop(struct conn *c)
{
	struct flow_env env = env_of(c, true);

	relay_of(c)->is_asked |= flow_is_in_flight(&relay_of(c)->up);
	flow_release(&relay_of(c)->up, &env);
	flow_release(&relay_of(c)->down, &env);
}

static bool waits_for_client(const struct conn *c)
{
	return flow_is_in_flight(&relay_of(c)->down) || channel_has_unsent(&c->channel) ||
	       (c->goodbye_begun && !c->tx_finished);
}

static bool waits_for_backend(const struct conn *c)
{
	return flow_is_in_flight(&relay_of(c)->up);
}

/* ---- connecting ---- */

static void open_relay(struct conn *c)
{
	conn_enter(c, CONN_OPEN);
	relay_backend.run(c);
}

static void tune(const struct conn *c, int fd)
{
	const struct listener_keepalive *k = &c->port->listener->proxy.keepalive;
	int on = 1;

	/* None of these is worth a connection: what fails stays at the kernel's default. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &k->idle, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &k->interval, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &k->count, sizeof(int));
}

static void connect_ready(struct conn *c, uint32_t events)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		return;
	if (c->port->listener->proxy.address.ss_family == AF_UNIX)
		return; /* not connected yet: the retry queue has it */
	if (events & (EPOLLERR | EPOLLHUP))
		getsockopt(relay_of(c)->watch.fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err)
		conn_end(c, REASON_BACKEND_REFUSED, err);
	else
		open_relay(c);
}

static void backend_ready(struct watch *w, uint32_t events)
{
	struct relay *r = container_of(w, struct relay, watch);
	struct conn *c = r->conn;

	if (events & ~(uint32_t)EPOLLOUT)
		r->down.is_dry = false;
	if (c->state == CONN_OPEN)
		relay_backend.run(c);
	else if (c->state == CONN_DRAIN)
		client_drain(c);
	else if (c->state == CONN_CONNECT)
		connect_ready(c, events);
}

/* True if the relay has a socket; else the connection has ended. */
static bool open_socket(struct conn *c)
{
	const struct listener_proxy *p = &c->port->listener->proxy;
	struct relay *r = relay_of(c);
	_cleanup_fd_ int fd =
		socket(p->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	r->conn = c;
	r->watch = (struct watch){ .ready = backend_ready, .fd = -1 };
	r->down.is_dry = true; /* until an event says otherwise */
	if (fd < 0) {
		conn_end(c, errno == EMFILE || errno == ENFILE ? REASON_NO_FDS : REASON_NO_MEMORY,
			 errno);
		return false;
	}
	if (p->address.ss_family != AF_UNIX)
		tune(c, fd);
	err = loop_add(&c->port->worker->loop, &r->watch, fd, CONN_EVENTS, false);
	if (err) {
		conn_end(c, REASON_NO_MEMORY, -err);
		return false;
	}
	fd_take(&fd);
	return true;
}

/* A unix backend whose queue is full (EAGAIN) is tried again. */
static void relay_connect(struct conn *c)
{
	const struct listener_proxy *p = &c->port->listener->proxy;

	if (!has_socket(relay_of(c)) && !open_socket(c))
		return;
	if (!connect(relay_of(c)->watch.fd, (const struct sockaddr *)&p->address, p->address_len))
		open_relay(c);
	else if (errno == EAGAIN)
		worker_queue_retry(c->port->worker, c);
	else if (errno != EINPROGRESS)
		conn_end(c, REASON_BACKEND_REFUSED, errno);
}

/*
 * A FIN tells the backend that it has all that the client sent. Only the client can say so, but a
 * connection that is idle may end without a word.
 */
static bool cuts_client_off(const struct conn *c)
{
	if (c->rx_finished)
		return false; /* the backend has its FIN */
	switch (c->end) {
	case REASON_CLOSED:
	case REASON_IDLE_TIMEOUT:
	case REASON_TOTAL_TIMEOUT:
	case REASON_DRAINED:
	case REASON_SHUTDOWN:
		return relay_of(c)->is_asked;
	default:
		return true;
	}
}

static void relay_close(struct conn *c)
{
	struct relay *r = relay_of(c);
	int fd = r->watch.ready ? loop_forget(&r->watch) : -1;

	if (fd >= 0 && cuts_client_off(c))
		setup_reset_on_close(fd);
	fd_close(&fd);
}

/* ---- up ---- */

/* Acts on a record that is not data. True if the flow goes on. */
static bool take_control(struct conn *c, const struct flow_event *ev)
{
	struct flow *up = &relay_of(c)->up;

	switch (client_take_control(c, ev->type, up->buf->data, ev->len)) {
	case CLIENT_FINISHED:
		up->source_ended = true;
		return true;
	case CLIENT_GOES_ON:
		return true;
	default:
		return false;
	}
}

/* The client has finished and the backend has its bytes: pass the end on. */
static void finish_up(struct conn *c)
{
	if (c->rx_finished)
		return;
	c->rx_finished = true;
	if (has_socket(relay_of(c)))
		shutdown(relay_of(c)->watch.fd, SHUT_WR);
}

/* True if the connection is still open afterwards. */
static bool run_up(struct conn *c)
{
	struct flow *up = &relay_of(c)->up;
	struct flow_env env = env_of(c, false);

	for (;;) {
		struct flow_event ev = flow_up(up, &env);

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
			up->discard = true;
			if (ev.err != EPIPE) /* which may come of an orderly end */
				relay_of(c)->reset_err = (uint16_t)ev.err;
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

/* A client that has said goodbye may well be gone when our last bytes come. */
static void end_by_client(struct conn *c, const struct flow_event *ev)
{
	bool fine = ev->reason == REASON_PEER_RESET && c->close_notify_received &&
		    !flow_is_in_flight(&relay_of(c)->down);

	conn_end(c, fine ? REASON_CLOSED : ev->reason, fine ? 0 : ev->err);
}

static bool run_down(struct conn *c)
{
	struct flow_env env = env_of(c, false);
	struct flow_event ev;

	if (!client_update_keys(c))
		return c->state == CONN_OPEN;
	ev = flow_down(&relay_of(c)->down, &env);
	switch (ev.result) {
	case FLOW_YIELD:
		worker_queue(c->port->worker, c);
		return true;
	case FLOW_ENDED:
		/* A reset is told once, to whoever asks first: its answer ends like one that is whole. */
		if (relay_of(c)->reset_err) {
			conn_end(c, REASON_BACKEND_RESET, relay_of(c)->reset_err);
			return false;
		}
		client_finish(c);
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
	bool waits = waits_for_client(c) || waits_for_backend(c) || c->goodbye_begun;

	return waits ? DEADLINE_STALL : DEADLINE_IDLE;
}

static void relay_run(struct conn *c)
{
	uint64_t rx = c->bytes[RX], tx = c->bytes[TX];
	enum deadline d;

	if (c->has_input)
		relay_of(c)->up.is_dry = false;
	c->has_input = false;
	if (!run_up(c) || !run_down(c))
		return;
	if (c->rx_finished && c->tx_finished) {
		conn_end(c, c->close_notify_received ? REASON_CLOSED : REASON_TRUNCATED, 0);
		return;
	}
	if (c->bytes[RX] != rx || c->bytes[TX] != tx)
		relay_of(c)->is_asked = c->bytes[TX] == tx;
	d = open_deadline(c);
	if (d != c->deadline || c->bytes[RX] != rx || c->bytes[TX] != tx)
		worker_set_deadline(c->port->worker, c, d);
}

static enum reason relay_overdue(const struct conn *c)
{
	if (waits_for_client(c))
		return REASON_STALLED;
	if (waits_for_backend(c))
		return REASON_BACKEND_STALLED;
	return c->tx_finished ? REASON_CLOSED : REASON_IDLE_TIMEOUT;
}

/*
 * Which bytes are a request and its answer, only client and backend know. A moment of silence
 * after bytes of the backend's, or without any, is taken for the end of an answer; silence after
 * bytes of the client's is not.
 */
static bool relay_is_idle(const struct conn *c)
{
	uint64_t since = c->due_ns - c->port->listener->timeout_ns[DEADLINE_IDLE];

	return !relay_of(c)->is_asked && now_ns() - since >= QUIET_MS * NS_PER_MS;
}

/* ---- drain ---- */

static bool relay_deliver(struct conn *c)
{
	struct flow_env env = env_of(c, true);

	if (has_socket(relay_of(c)))
		flow_up(&relay_of(c)->up, &env);
	return flow_down(&relay_of(c)->down, &env).result != FLOW_WAIT_SINK;
}

const struct backend_ops relay_backend = {
	.state_len = sizeof(struct relay),
	.splices_rx = true,
	.connect = relay_connect,
	.run = relay_run,
	.deliver = relay_deliver,
	.drop = relay_drop,
	.close = relay_close,
	.overdue = relay_overdue,
	.is_idle = relay_is_idle,
};
