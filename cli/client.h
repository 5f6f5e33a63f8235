/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies for a command: from the daemon, or from a file that recorded them. */
#ifndef KTLSD_CLI_CLIENT_H
#define KTLSD_CLI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/options.h"

struct json;

enum { CLIENT_TIMEOUT_MS = 5000, CLIENT_TIMEOUT_LONG_MS = 60000 };

/* Takes the parameters of one reply, borrowed. 0, -ENOMEM, -EINVAL (a field has the wrong type:
 * json_complaint() of the reply), or -ECANCELED after saying itself what is wrong. */
typedef int client_reply_fn(struct json *reply, void *arg);

/*
 * Calls io.ktlsd.METHOD, or with --from reads the recorded replies, and hands over each. What
 * goes wrong is said on stderr. `parameters` is taken over and may be NULL.
 */
enum exit_code client_call(const struct options *options, const char *method,
			   struct json *parameters, bool more, int timeout_ms,
			   client_reply_fn *each, void *arg);

/* Takes the text of the parameters of one reply, lent; returns as client_reply_fn. */
typedef int client_text_fn(const char *text, size_t len, void *arg);

/* The same for a stream of replies, which are handed over unread. */
enum exit_code client_call_text(const struct options *options, const char *method,
				struct json *parameters, int timeout_ms, client_text_fn *each,
				void *arg);

/* The same for a call of one reply, which becomes the caller's. */
enum exit_code client_get(const struct options *options, const char *method,
			  struct json *parameters, int timeout_ms, struct json **reply);

/* True if ktlsd would not answer this user. */
bool client_is_denied(const struct options *options);

/* Says that a reply makes no sense, and gives EXIT_FAILED. `reply` may be NULL. */
enum exit_code client_complain(const struct options *options, const struct json *reply);

#endif
