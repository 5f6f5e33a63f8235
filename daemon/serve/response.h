/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One HTTP response on its way: heads out of a buffer, what is between them out of a file, by
 * sendfile where the channel sends in the kernel. Holds a file only while there is something of it
 * to send, a buffer only while bytes of ours wait. Knows no connection.
 */
#ifndef KTLSD_SERVE_RESPONSE_H
#define KTLSD_SERVE_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/counters.h"
#include "base/pool.h"
#include "tls/channel.h"

struct document_root;
struct http_request;

struct response {
	struct pool_buffer *out;   /* bytes to send before what is left of the file */
	struct pool_buffer *parts; /* struct multipart, if there are several ranges */
	off_t off;		   /* of the file, where `left` begins */
	uint64_t left;		   /* bytes of the range, not yet taken */
	uint16_t begun_len;	   /* bytes of ours in the record that the file's will share */
	int fd;			   /* owned, while has_file */
	bool has_file;
	bool is_begun;
	bool keep_alive; /* the connection may go on afterwards */
};

/* What responses work with; nothing of it is owned. */
struct response_env {
	struct channel *channel;
	struct pool *pool;
	struct counters *counters;
	uint64_t *bytes; /* by direction: payload */
	int budget;	 /* bytes of this turn, so that one connection cannot starve the others */
};

enum response_result {
	RESPONSE_DONE,	/* all of it was sent */
	RESPONSE_WAIT,	/* the client takes nothing now */
	RESPONSE_YIELD, /* the budget is used up: call again after others */
	RESPONSE_ERROR, /* reason and err say what; nothing of it can follow any more */
};

struct response_event {
	enum response_result result;
	enum reason reason;
	int err;
};

/*
 * Begins the answer to a request, which may go afterwards; the former one was sent or dropped.
 * False when memory is short.
 */
bool response_begin(struct response *r, struct response_env *env, const struct document_root *root,
		    const struct http_request *q);

/* Begins an answer that has no more than a status, after which the connection closes. */
bool response_begin_status(struct response *r, struct response_env *env, int status,
			   bool head_only);

/* Sends what can be sent. */
struct response_event response_send(struct response *r, struct response_env *env);

/* Forgets what was not yet taken from the file. */
void response_cut(struct response *r, struct response_env *env);

/* Gives everything back, sent or not. */
void response_drop(struct response *r, struct response_env *env);

#endif
