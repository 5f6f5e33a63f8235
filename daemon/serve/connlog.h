/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log lines of a connection: one when it ends or is refused, with everything that matters. */
#ifndef KTLSD_SERVE_CONNLOG_H
#define KTLSD_SERVE_CONNLOG_H

#include "base/reason.h"
#include "base/state.h"

struct conn;
struct sockaddr_storage;

/* The connection has closed. Its client socket may already be gone from the loop, not closed. */
void connlog_end(const struct conn *c);

/* Refused before it was one; `peer` may be NULL. */
void connlog_refused(const char *listener, const struct sockaddr_storage *peer, enum reason reason,
		     int err);

/* A step that the state table does not know: a bug of ours, said loudly. */
void connlog_bad_step(const struct conn *c, enum conn_state to);

#endif
