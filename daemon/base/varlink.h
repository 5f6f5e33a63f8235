/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Varlink (https://varlink.org), the server's side of one connection: JSON messages ended by NUL.
 *
 * Nothing here blocks. The caller owns the descriptor and an epoll loop:
 *
 *	EPOLLIN:  varlink_read(), then varlink_next_call() until it gives 0; answer each call, at
 *		  once or later; then varlink_write()
 *	EPOLLOUT: varlink_write(), go on with a streamed reply, varlink_next_call() as above
 *	mask:	  varlink_wants_read() and varlink_wants_write() after every step
 *	negative: close the descriptor, varlink_free()
 *
 * Calls are answered in their order: while one is open, the next is not given out. Memory is
 * bounded: a request by VARLINK_REQUEST_MAX, unsent replies by VARLINK_QUEUE_MAX; a client that
 * does not read is not read from. org.varlink.service is answered inside.
 */
#ifndef KTLSD_BASE_VARLINK_H
#define KTLSD_BASE_VARLINK_H

#include <stdbool.h>
#include <stddef.h>

struct json;

enum {
	VARLINK_REQUEST_MAX = 64 << 10, /* bytes of a request without its NUL */
	VARLINK_QUEUE_LOW = 64 << 10,	/* varlink_can_queue() below this many unsent bytes */
	VARLINK_QUEUE_MAX = 1 << 20,	/* unsent bytes that cannot be exceeded */
};

/* What a service says about itself; outlives its connections. */
struct varlink_service {
	const char *vendor, *product, *version, *url;
	const char *interface;	 /* "io.ktlsd" */
	const char *description; /* text of the .varlink file */
};

/* A call of the service's interface. */
struct varlink_call {
	const char *method;	 /* without the interface: "GetStatus" */
	struct json *parameters; /* an object, never NULL; valid until the call is answered */
	bool more;		 /* the client takes several replies */
	bool oneway;		 /* the client takes none: they are swallowed */
};

struct varlink_conn;

struct varlink_conn *varlink_new(const struct varlink_service *service); /* or NULL */
void varlink_free(struct varlink_conn *conn);

/*
 * Reads what the socket has, as far as there is room. 0, -ECONNRESET when the client has closed,
 * or the errno of recv(). Without room nothing is awaited but a hang-up, so that is what it takes
 * the call for: -ECONNRESET.
 */
int varlink_read(struct varlink_conn *conn, int fd);

/* Takes up to `len` bytes as if read; gives how many there was room for. */
size_t varlink_feed(struct varlink_conn *conn, const void *bytes, size_t len);

/*
 * Gives the next call: 1 with *call filled, 0 when there is none now (incomplete, a call still
 * open, or too much unsent), -EMSGSIZE, -EBADMSG (not a Varlink message) or -ENOMEM: then the
 * connection is beyond repair.
 */
int varlink_next_call(struct varlink_conn *conn, struct varlink_call *call);

/*
 * Answer the open call. `parameters` becomes theirs, NULL means an empty object, and a value that
 * is json_failed() gives -ENOMEM. varlink_reply() and the errors end the call;
 * varlink_reply_more() leaves it open and may only be used when call->more (else -EPROTO).
 * 0, -ENOMEM, or -ENOBUFS when the queue would grow past VARLINK_QUEUE_MAX: then close.
 */
int varlink_reply(struct varlink_conn *conn, struct json *parameters);
int varlink_reply_more(struct varlink_conn *conn, struct json *parameters);

/* `error` without a dot is the service's own: "Busy" is sent as "io.ktlsd.Busy". */
int varlink_error(struct varlink_conn *conn, const char *error, struct json *parameters);

/* The standard errors that only the caller can know of. */
int varlink_error_invalid_parameter(struct varlink_conn *conn, const char *parameter);
int varlink_error_method_not_found(struct varlink_conn *conn);
int varlink_error_expected_more(struct varlink_conn *conn);

/* True while a call waits for its last reply. */
bool varlink_is_busy(const struct varlink_conn *conn);

/* True if another streamed reply should be produced now. */
bool varlink_can_queue(const struct varlink_conn *conn);

/* Sends what the non-blocking socket takes: 0 (also when bytes are left), or the errno. */
int varlink_write(struct varlink_conn *conn, int fd);

bool varlink_wants_read(const struct varlink_conn *conn);
bool varlink_wants_write(const struct varlink_conn *conn);

/* The unsent bytes; *len is set. For tests. */
const char *varlink_peek(const struct varlink_conn *conn, size_t *len);

#endif
