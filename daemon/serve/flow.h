/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One direction of a proxied connection: bytes from the client's channel to the backend's socket
 * (up), or back (down). By splice where the channel's side is in the kernel and a pipe is free,
 * else by copy. Holds a pipe or a buffer only while bytes are in flight. A source that has shown
 * that it is empty is left alone until the caller clears is_dry, upon an event.
 */
#ifndef KTLSD_SERVE_FLOW_H
#define KTLSD_SERVE_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/counters.h"
#include "base/loop.h"
#include "base/pool.h"
#include "serve/pipe.h"
#include "tls/channel.h"

struct flow {
	struct pipe *pipe;	   /* of the pool, while bytes are in it */
	uint32_t in_pipe;	   /* bytes */
	bool source_ended;	   /* the source will send no more */
	bool is_dry;		   /* it had no more, and no event has told of more since */
	bool discard;		   /* the sink takes no more: read and drop */
	struct pool_buffer *buf;   /* copied bytes in flight, or a control record for the caller */
	struct channel_event held; /* what a splice met behind the bytes in the pipe; DATA: nothing */
};

/* What both flows of a connection work with; nothing of it is owned. */
struct flow_env {
	struct channel *channel;
	const struct watch *client, *backend;
	struct pool *pool;
	struct pipe_pool *pipes;
	struct counters *counters;
	uint64_t *bytes; /* by direction: payload moved into the sink */
	bool no_fetch;	 /* deliver what is in flight, take nothing new */
};

enum flow_result {
	FLOW_WAIT_SOURCE,   /* nothing in flight, the source has nothing now */
	FLOW_WAIT_SINK,	    /* bytes in flight, the sink takes none now */
	FLOW_ENDED,	    /* the source has ended, everything is delivered */
	FLOW_CONTROL,	    /* up: a record that is not data: `len` bytes at flow->buf->data */
	FLOW_REKEY_WAIT,    /* up: the kernel waits for new receive keys */
	FLOW_YIELD,	    /* the turn's budget is used up: call again after others */
	FLOW_CHANNEL_ERROR, /* reason and err say what */
	FLOW_BACKEND_ERROR, /* err says what */
};

struct flow_event {
	enum flow_result result;
	enum reason reason;
	int err;
	uint8_t type; /* of a control record */
	size_t len;
};

struct flow_event flow_up(struct flow *f, struct flow_env *env);
struct flow_event flow_down(struct flow *f, struct flow_env *env);

/* True if bytes wait to be delivered by this flow itself (not by the channel). */
bool flow_is_in_flight(const struct flow *f);

/* Gives pipe and buffer back, with what is in them. */
void flow_release(struct flow *f, struct flow_env *env);

#endif
