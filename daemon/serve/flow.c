/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fetch, deliver, until a side blocks or the turn is over. */
#include "serve/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

enum {
	TURN_BYTES = 512 * 1024, /* per call, so that one connection cannot starve the others */
	STEP_COST = 1024,	 /* of a fetch that brings nothing: empty records are not free */
	BULK_LEN = 4096,	 /* a record of that many bytes has others behind it */
	SPLICE_FLAGS = SPLICE_F_NONBLOCK | SPLICE_F_MOVE,
};

static struct flow_event flow_event(enum flow_result result)
{
	return (struct flow_event){ .result = result };
}

static struct flow_event wait_source(struct flow *f)
{
	f->is_dry = true;
	return flow_event(FLOW_WAIT_SOURCE);
}

static struct flow_event backend_error(int err)
{
	return (struct flow_event){ .result = FLOW_BACKEND_ERROR, .err = err };
}

static struct flow_event channel_error(const struct channel_event *ev)
{
	return (struct flow_event){ .result = FLOW_CHANNEL_ERROR,
				    .reason = ev->reason,
				    .err = ev->err };
}

bool flow_is_in_flight(const struct flow *f)
{
	return f->in_pipe || (f->buf && f->buf->len);
}

static void put_pipe(struct flow *f, struct flow_env *env)
{
	if (!f->pipe)
		return;
	pipe_put(env->pipes, &f->pipe, f->in_pipe);
	f->in_pipe = 0;
	count_add(&env->counters->value[COUNTER_PIPES_IN_USE], -1);
}

void flow_release(struct flow *f, struct flow_env *env)
{
	put_pipe(f, env);
	pool_put(env->pool, &f->buf);
}

/* A pipe to splice into, or false: then copy. */
static bool take_pipe(struct flow *f, struct flow_env *env)
{
	if (f->pipe)
		return true;
	f->pipe = pipe_get(env->pipes);
	if (!f->pipe) {
		count_add(&env->counters->value[COUNTER_NO_PIPE], 1);
		log_warning("reason=no-pipe msg=\"all pipes are in use: bytes are copied\"");
		return false;
	}
	count_add(&env->counters->value[COUNTER_PIPES_IN_USE], 1);
	return true;
}

static bool take_buffer(struct flow *f, struct flow_env *env)
{
	if (!f->buf)
		f->buf = pool_get(env->pool);
	if (f->buf)
		f->buf->off = f->buf->len = 0;
	return f->buf;
}

static struct flow_event no_memory(void)
{
	return (struct flow_event){ .result = FLOW_CHANNEL_ERROR,
				    .reason = REASON_NO_MEMORY,
				    .err = ENOMEM };
}

/* Accounts n bytes that left the flow. */
static void delivered(struct flow *f, struct flow_env *env, enum direction d, size_t n,
		      bool spliced)
{
	if (spliced) {
		f->in_pipe -= (uint32_t)n;
	} else {
		f->buf->off += (uint32_t)n;
		f->buf->len -= (uint32_t)n;
	}
	env->bytes[d] += n;
	count_add(&env->counters->value[d == TX ? COUNTER_TX_BYTES : COUNTER_RX_BYTES], (int64_t)n);
	count_add(&env->counters->payload[d][env->channel->side[d].mode], (int64_t)n);
	count_add(&env->counters->value[spliced ? COUNTER_SPLICED_BYTES : COUNTER_COPIED_BYTES],
		  (int64_t)n);
}

/* ---- up: channel to backend ---- */

static ssize_t push_backend(struct flow *f, int fd)
{
	if (f->in_pipe)
		return splice(f->pipe->read_fd, NULL, fd, NULL, f->in_pipe, SPLICE_FLAGS);
	return send(fd, f->buf->data + f->buf->off, f->buf->len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* True when nothing is left in flight; else *ev says why not. */
static bool deliver_up(struct flow *f, struct flow_env *env, struct flow_event *ev)
{
	while (flow_is_in_flight(f)) {
		bool spliced = f->in_pipe;
		ssize_t n;

		if (f->discard) {
			flow_release(f, env);
			break;
		}
		n = push_backend(f, env->backend->fd);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			*ev = errno == EAGAIN ? flow_event(FLOW_WAIT_SINK) : backend_error(errno);
			return false;
		}
		delivered(f, env, RX, (size_t)n, spliced);
	}
	return true;
}

/* Receives one record's bytes into the buffer. True if the flow goes on. */
static bool fetch_copy_up(struct flow *f, struct flow_env *env, struct flow_event *out)
{
	struct channel_event ev;

	if (!take_buffer(f, env)) {
		*out = no_memory();
		return false;
	}
	ev = channel_recv(env->channel, f->buf->data, RECORD_PLAIN_MAX);
	switch (ev.result) {
	case CHANNEL_DATA:
		f->buf->len = (uint32_t)ev.len;
		f->is_dry = channel_is_drained(env->channel) && !env->client->may_hide;
		return true;
	case CHANNEL_CONTROL:
		*out = (struct flow_event){ .result = FLOW_CONTROL,
					    .type = ev.type,
					    .len = ev.len };
		return false;
	case CHANNEL_EOF:
		f->source_ended = true;
		*out = flow_event(FLOW_ENDED);
		return false;
	case CHANNEL_AGAIN:
		*out = wait_source(f);
		return false;
	case CHANNEL_REKEY_WAIT:
		*out = flow_event(FLOW_REKEY_WAIT);
		return false;
	default:
		*out = channel_error(&ev);
		return false;
	}
}

/*
 * Splices records of a bulk transfer into the pipe until it is full, as the backend is woken by
 * each splice out. What stops that is told once by the kernel, so it is held until the bytes
 * before it are delivered; but not AGAIN, which may only say that the pipe is full.
 */
static struct channel_event fill_pipe(struct flow *f, struct flow_env *env)
{
	struct channel_event ev = f->held;

	f->held = (struct channel_event){ .result = CHANNEL_DATA };
	if (ev.result != CHANNEL_DATA)
		return ev;
	do {
		ev = channel_splice_in(env->channel, f->pipe->write_fd, PIPE_CAPACITY);
		if (ev.result == CHANNEL_DATA)
			f->in_pipe += (uint32_t)ev.len;
	} while (ev.result == CHANNEL_DATA && ev.len >= BULK_LEN &&
		 f->in_pipe + RECORD_PLAIN_MAX <= PIPE_CAPACITY);
	if (!f->in_pipe || ev.result == CHANNEL_DATA)
		return ev;
	if (ev.result != CHANNEL_AGAIN)
		f->held = ev;
	return (struct channel_event){ .result = CHANNEL_DATA };
}

/* Splices if it can. True if the flow goes on. */
static bool fetch_up(struct flow *f, struct flow_env *env, struct flow_event *out)
{
	struct channel_event ev;

	if (env->channel->side[RX].mode != MODE_KERNEL ||
	    (f->held.result == CHANNEL_DATA && !take_pipe(f, env)))
		return fetch_copy_up(f, env, out);
	ev = fill_pipe(f, env);
	switch (ev.result) {
	case CHANNEL_DATA:
		return true;
	case CHANNEL_CONTROL: /* a control record, an empty one, or the end: recvmsg tells */
		put_pipe(f, env);
		return fetch_copy_up(f, env, out);
	case CHANNEL_AGAIN:
		*out = wait_source(f);
		return false;
	case CHANNEL_REKEY_WAIT:
		*out = flow_event(FLOW_REKEY_WAIT);
		return false;
	default:
		*out = channel_error(&ev);
		return false;
	}
}

struct flow_event flow_up(struct flow *f, struct flow_env *env)
{
	struct flow_event out;
	int budget = TURN_BYTES;

	for (;;) {
		size_t fetched;

		if (!deliver_up(f, env, &out))
			return out;
		if (f->source_ended || env->no_fetch || budget <= 0)
			break;
		if (f->is_dry) {
			flow_release(f, env);
			return flow_event(FLOW_WAIT_SOURCE);
		}
		if (!fetch_up(f, env, &out)) {
			if (out.result != FLOW_CONTROL)
				flow_release(f, env);
			return out;
		}
		fetched = f->in_pipe + (f->buf ? f->buf->len : 0);
		budget -= (int)(fetched ? fetched : STEP_COST);
	}
	flow_release(f, env);
	return flow_event(f->source_ended || env->no_fetch ? FLOW_ENDED : FLOW_YIELD);
}

/* ---- down: backend to channel ---- */

static struct channel_event push_channel(struct flow *f, struct flow_env *env)
{
	if (f->in_pipe)
		return channel_splice_out(env->channel, f->pipe->read_fd, f->in_pipe);
	return channel_send(env->channel, RECORD_DATA, f->buf->data + f->buf->off, f->buf->len);
}

/* Judges what the channel said to bytes offered; true if it took them. */
static bool channel_took(const struct channel_event *ev, struct flow_event *out)
{
	if (ev->result == CHANNEL_DATA)
		return true;
	*out = ev->result == CHANNEL_AGAIN ? flow_event(FLOW_WAIT_SINK) : channel_error(ev);
	return false;
}

static bool deliver_down(struct flow *f, struct flow_env *env, struct flow_event *out)
{
	struct channel_event ev;

	while (flow_is_in_flight(f)) {
		bool spliced = f->in_pipe;

		ev = push_channel(f, env);
		if (!channel_took(&ev, out))
			return false;
		delivered(f, env, TX, ev.len, spliced);
	}
	ev = channel_flush(env->channel);
	return channel_took(&ev, out);
}

/* Reads from the backend. True if the flow goes on. */
static bool fetch_down(struct flow *f, struct flow_env *env, struct flow_event *out)
{
	bool spliced = env->channel->side[TX].mode == MODE_KERNEL && take_pipe(f, env);
	ssize_t n;

	if (!spliced && !take_buffer(f, env)) {
		*out = no_memory();
		return false;
	}
	n = spliced ? splice(env->backend->fd, NULL, f->pipe->write_fd, NULL, PIPE_CAPACITY,
			     SPLICE_FLAGS) :
		      recv(env->backend->fd, f->buf->data, RECORD_PLAIN_MAX, MSG_DONTWAIT);
	if (n > 0) {
		*(spliced ? &f->in_pipe : &f->buf->len) = (uint32_t)n;
		f->is_dry = !spliced && n < RECORD_PLAIN_MAX && !env->backend->may_hide;
		return true;
	}
	if (n == 0) {
		f->source_ended = true;
		return true;
	}
	if (errno == EINTR)
		return true;
	*out = errno == EAGAIN ? wait_source(f) : backend_error(errno);
	return false;
}

struct flow_event flow_down(struct flow *f, struct flow_env *env)
{
	struct flow_event out;
	int budget = TURN_BYTES;

	for (;;) {
		if (!deliver_down(f, env, &out))
			return out;
		if (f->source_ended || env->no_fetch || budget <= 0)
			break;
		if (f->is_dry) {
			flow_release(f, env);
			return flow_event(FLOW_WAIT_SOURCE);
		}
		if (!fetch_down(f, env, &out)) {
			flow_release(f, env);
			return out;
		}
		budget -= (int)(f->in_pipe + (f->buf ? f->buf->len : 0)) + STEP_COST;
	}
	flow_release(f, env);
	return flow_event(f->source_ended || env->no_fetch ? FLOW_ENDED : FLOW_YIELD);
}
