/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client's requests, one after the other, and the end of the connection. What they ask for and
 * how it is sent is response's.
 */
#include "serve/files.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "serve/client.h"
#include "serve/conn.h"
#include "serve/http_request.h"
#include "serve/listener.h"
#include "serve/response.h"
#include "serve/worker.h"
#include "tls/ktls.h"

enum {
	TURN_BYTES = 512 * 1024, /* per call, so that one connection cannot starve the others */
	STEP_COST = 1024,	 /* of a call that brings nothing: empty records are not free */
};

struct files {
	struct pool_buffer *in; /* of requests: bytes not yet consumed; NULL for none */
	size_t scanned;		/* of the head that begins there: see http_head_len() */
	struct response response;
	enum reason end; /* what it will end for once all is sent; nothing is taken any more */
	bool is_cut;	 /* DRAIN: nothing more is taken from the file */
};

/* What became of a step; ENDED: touch the connection no more. */
enum step { STEP_ON, STEP_WAIT, STEP_YIELD, STEP_ENDED };

static struct files *files_of(const struct conn *c)
{
	return (struct files *)c->backend_state;
}

static struct response_env env_of(struct conn *c, int budget)
{
	struct worker *w = c->port->worker;

	return (struct response_env){ .channel = &c->channel,
				      .pool = &w->pool,
				      .counters = &w->counters,
				      .bytes = c->bytes,
				      .budget = budget };
}

static enum step end_with(struct conn *c, enum reason reason, int err)
{
	conn_end(c, reason, err);
	return STEP_ENDED;
}

/* ---- receiving ---- */

/* Room for what comes next: more than any control record, unless a request is too long already. */
static bool has_room(const struct conn *c)
{
	const struct files *f = files_of(c);

	return !f->in || f->in->len < c->port->listener->files.request_max;
}

/* Takes n bytes that were received behind those of `in`; none of them counts after the end. */
static void keep(struct conn *c, size_t n)
{
	struct counters *counters = &c->port->worker->counters;
	struct files *f = files_of(c);

	c->bytes[RX] += n;
	count_add(&counters->value[COUNTER_RX_BYTES], (int64_t)n);
	count_add(&counters->payload[RX][c->channel.side[RX].mode], (int64_t)n);
	if (f->end == REASON_NONE)
		f->in->len += (uint32_t)n;
}

/* A client that has all it wanted may close without reading our goodbye, which is a reset. */
static enum step end_by_client(struct conn *c, const struct channel_event *ev)
{
	if (!c->tx_finished || ev->reason != REASON_PEER_RESET)
		return end_with(c, ev->reason, ev->err);
	c->rx_finished = true;
	return end_with(c, files_of(c)->end, 0);
}

static enum step receive_once(struct conn *c)
{
	struct files *f = files_of(c);
	struct channel_event ev;
	uint8_t *free;

	if (f->in->off) {
		memmove(f->in->data, f->in->data + f->in->off, f->in->len);
		f->in->off = 0;
	}
	free = f->in->data + f->in->len;
	ev = channel_recv(&c->channel, free, sizeof(f->in->data) - f->in->len);
	switch (ev.result) {
	case CHANNEL_DATA:
		keep(c, ev.len);
		return STEP_ON;
	case CHANNEL_CONTROL:
		switch (client_take_control(c, ev.type, free, ev.len)) {
		case CLIENT_GOES_ON:
			return STEP_ON;
		case CLIENT_FINISHED:
			c->rx_finished = true;
			return STEP_WAIT;
		default:
			return STEP_ENDED;
		}
	case CHANNEL_EOF:
		c->rx_finished = true;
		return STEP_WAIT;
	case CHANNEL_AGAIN:
		return STEP_WAIT;
	case CHANNEL_REKEY_WAIT: /* we rekey at once, so the kernel cannot be waiting */
		return end_with(c, REASON_INTERNAL, EKEYEXPIRED);
	default:
		return end_by_client(c, &ev);
	}
}

/* Receives until the client has no more now (WAIT), or there is no room for it (ON). */
static enum step receive(struct conn *c, int *budget)
{
	struct files *f = files_of(c);
	struct pool *pool = &c->port->worker->pool;
	enum step step = STEP_ON;

	while (step == STEP_ON && !c->rx_finished && has_room(c)) {
		size_t before = c->bytes[RX];

		if (*budget <= 0)
			return STEP_YIELD;
		if (!f->in)
			f->in = pool_get(pool);
		if (!f->in)
			return end_with(c, REASON_NO_MEMORY, ENOMEM);
		step = receive_once(c);
		*budget -= STEP_COST + (int)(c->bytes[RX] - before);
	}
	if (step != STEP_ENDED && f->in && !f->in->len)
		pool_put(pool, &f->in);
	return c->rx_finished && step == STEP_ON ? STEP_WAIT : step;
}

/* ---- requests ---- */

static void consume(struct conn *c, size_t n)
{
	struct files *f = files_of(c);

	if (!n)
		return;
	f->scanned = 0;
	f->in->off += (uint32_t)n;
	f->in->len -= (uint32_t)n;
	if (!f->in->len)
		pool_put(&c->port->worker->pool, &f->in);
}

/* Answers what is no request, or no good one; the connection ends then. */
static enum step refuse(struct conn *c, struct response_env *env, int status, bool head_only)
{
	struct files *f = files_of(c);

	f->end = REASON_BAD_REQUEST;
	pool_put(env->pool, &f->in);
	if (!response_begin_status(&f->response, env, status, head_only))
		return end_with(c, REASON_NO_MEMORY, ENOMEM);
	return STEP_ON;
}

/* A head that has no end within the limit. */
static int status_of_long(const char *buf, size_t len)
{
	return memchr(buf, '\n', len) ? 431 : 414;
}

/* Begins the answer to the next request; WAIT if there is no whole one. */
static enum step take_request(struct conn *c, struct response_env *env)
{
	const struct listener_files *l = &c->port->listener->files;
	struct files *f = files_of(c);
	struct http_request q;
	const char *buf;
	long len;
	int status;

	if (f->in)
		consume(c,
			http_skip_empty_lines((const char *)f->in->data + f->in->off, f->in->len));
	if (!f->in)
		return STEP_WAIT;
	buf = (const char *)f->in->data + f->in->off;
	len = http_head_len(buf, f->in->len, &f->scanned);
	if (len < 0)
		return refuse(c, env, 400, false);
	if (len > (long)l->request_max || (!len && f->in->len >= l->request_max))
		return refuse(c, env, status_of_long(buf, l->request_max), false);
	if (!len)
		return STEP_WAIT;
	status = http_request_parse(buf, (size_t)len, &q);
	if (status)
		return refuse(c, env, status, q.method == HTTP_METHOD_HEAD);
	q.keep_alive &= !atomic_load(&c->port->listener->draining);
	if (!response_begin(&f->response, env, &l->root, &q))
		return end_with(c, REASON_NO_MEMORY, ENOMEM);
	consume(c, (size_t)len);
	return STEP_ON;
}

/* ---- responses ---- */

static enum step send_response(struct conn *c, struct response_env *env)
{
	struct files *f = files_of(c);
	struct response_event ev = response_send(&f->response, env);

	switch (ev.result) {
	case RESPONSE_DONE:
		if (!f->response.keep_alive && f->end == REASON_NONE)
			f->end = REASON_CLOSED;
		response_drop(&f->response, env);
		return STEP_ON;
	case RESPONSE_WAIT:
		return STEP_WAIT;
	case RESPONSE_YIELD:
		return STEP_YIELD;
	default:
		return end_with(c, ev.reason, ev.err);
	}
}

/* ---- the end ---- */

/* The client sends no more, and all it has asked for was answered. */
static void note_end(struct conn *c)
{
	struct files *f = files_of(c);

	f->end = f->in			  ? REASON_BAD_REQUEST :
		 c->close_notify_received ? REASON_CLOSED :
					    REASON_TRUNCATED;
	pool_put(&c->port->worker->pool, &f->in);
}

/* Says goodbye, then waits until the client has gone: unread bytes would make it a reset. */
static enum step finish(struct conn *c)
{
	struct files *f = files_of(c);

	pool_put(&c->port->worker->pool, &f->in);
	if (!client_finish(c) || !c->rx_finished)
		return STEP_WAIT;
	return end_with(c, f->end, 0);
}

/* ---- the turn ---- */

/* One step of what is due; STEP_ON while there is another. */
static enum step advance(struct conn *c, struct response_env *env)
{
	struct files *f = files_of(c);
	enum step step;

	if (!f->response.is_begun && f->end != REASON_NONE)
		return finish(c);
	if (!client_update_keys(c))
		return c->state == CONN_OPEN ? STEP_WAIT : STEP_ENDED;
	if (f->response.is_begun)
		return send_response(c, env);
	if (env->budget <= 0)
		return STEP_YIELD;
	step = take_request(c, env);
	if (step == STEP_WAIT && c->rx_finished) {
		note_end(c);
		return STEP_ON;
	}
	return step;
}

static enum deadline open_deadline(const struct conn *c)
{
	const struct files *f = files_of(c);

	if (c->tx_finished)
		return DEADLINE_DRAIN;
	if (f->response.is_begun || f->end != REASON_NONE || c->update_due)
		return DEADLINE_STALL;
	return f->in || channel_has_pending(&c->channel) ? DEADLINE_REQUEST : DEADLINE_IDLE;
}

static void files_run(struct conn *c)
{
	struct response_env env = env_of(c, TURN_BYTES);
	uint64_t before = c->bytes[TX];
	enum step in, out;
	enum deadline d;

	do {
		in = receive(c, &env.budget);
		if (in == STEP_ENDED)
			return;
		while ((out = advance(c, &env)) == STEP_ON)
			;
		if (out == STEP_ENDED)
			return;
	} while (in == STEP_ON && out == STEP_WAIT && has_room(c)); /* there may be more by now */
	if (in == STEP_YIELD || out == STEP_YIELD)
		worker_queue(c->port->worker, c);
	d = open_deadline(c);
	if (d != c->deadline || c->bytes[TX] != before)
		worker_set_deadline(c->port->worker, c, d);
}

static enum reason files_overdue(const struct conn *c)
{
	const struct files *f = files_of(c);

	switch (c->deadline) {
	case DEADLINE_STALL:
		return REASON_STALLED;
	case DEADLINE_REQUEST:
		return REASON_REQUEST_TIMEOUT;
	case DEADLINE_DRAIN:
		return f->end;
	default:
		return REASON_IDLE_TIMEOUT;
	}
}

static void files_connect(struct conn *c)
{
	const struct listener_files *l = &c->port->listener->files;
	int err;

	if (l->zerocopy && c->channel.side[TX].mode == MODE_KERNEL) {
		err = ktls_set_zerocopy(c->client.fd);
		if (err)
			log_warning("listener=%s errno=%s msg=\"zerocopy is not to be had\"",
				    c->port->listener->name, log_errno(err));
	}
	conn_enter(c, CONN_OPEN);
	files_run(c);
}

/* ---- drain ---- */

static bool files_deliver(struct conn *c)
{
	struct files *f = files_of(c);
	struct response_env env = env_of(c, INT_MAX);

	if (!f->is_cut) {
		f->is_cut = true;
		if (c->end == REASON_REQUEST_TIMEOUT && !f->response.is_begun)
			(void)response_begin_status(&f->response, &env, 408, false);
		response_cut(&f->response, &env);
	}
	return !f->response.is_begun || response_send(&f->response, &env).result != RESPONSE_WAIT;
}

static void files_drop(struct conn *c)
{
	struct response_env env = env_of(c, 0);

	pool_put(env.pool, &files_of(c)->in);
	response_drop(&files_of(c)->response, &env);
}

static void files_close(struct conn *c)
{
	(void)c; /* it has nothing that drop() leaves */
}

const struct backend_ops files_backend = {
	.state_len = sizeof(struct files),
	.connect = files_connect,
	.run = files_run,
	.deliver = files_deliver,
	.drop = files_drop,
	.close = files_close,
	.overdue = files_overdue,
};
