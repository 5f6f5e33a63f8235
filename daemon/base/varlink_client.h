/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Varlink, the client's side: one blocking call over its own connection, with deadlines. */
#ifndef KTLSD_BASE_VARLINK_CLIENT_H
#define KTLSD_BASE_VARLINK_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct json;

enum { VARLINK_REPLY_MAX = 8 << 20 }; /* bytes of one reply that a client takes */

/* The error reply of a server. The client frees `parameters`. */
struct varlink_failure {
	char error[128];	 /* full name: "io.ktlsd.NoSuchConnection" */
	struct json *parameters; /* never NULL when error is set */
};

/*
 * Calls `method` (full name) on the unix socket `path` and gives every reply's parameters to
 * each_reply(), which borrows them; a negative value from it ends the call and is returned.
 * `parameters` is taken over and may be NULL. `timeout_ms` bounds the wait for the first reply, and
 * for each that follows.
 *
 * 0, or: -ENOENT, -ECONNREFUSED (nobody listens there), -EACCES and others of connect();
 * -ETIMEDOUT; -ECONNRESET (closed before the last reply); -EBADMSG (not Varlink); -EMSGSIZE;
 * -EREMOTEIO (the server answered with an error: *failure is filled); -ENOMEM.
 */
int varlink_client_call(const char *path, const char *method, struct json *parameters, bool more,
			int (*each_reply)(struct json *reply, void *arg), void *arg, int timeout_ms,
			struct varlink_failure *failure);

/*
 * The same for a call whose replies are passed on unread: gives the text of each reply's
 * parameters, without a NUL, lent for the call.
 */
int varlink_client_call_text(const char *path, const char *method, struct json *parameters,
			     int (*each_reply)(const char *text, size_t len, void *arg), void *arg,
			     int timeout_ms, struct varlink_failure *failure);

#endif
