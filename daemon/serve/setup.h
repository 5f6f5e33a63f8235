/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection's way from accept to OPEN. */
#ifndef KTLSD_SERVE_SETUP_H
#define KTLSD_SERVE_SETUP_H

#include "base/reason.h"

struct conn;
struct port;
struct sockaddr_storage;

/*
 * Takes over a socket just accepted at that port from that peer. One that is refused is reset: a
 * client knows at once, and nothing of it stays behind here (no FIN_WAIT, no TIME_WAIT); the
 * reason is counted and logged.
 */
void setup_accept(struct port *port, int fd, const struct sockaddr_storage *peer);

/* Resets a connection that was just accepted, for that reason. `peer` may be NULL: unknown. */
void setup_refuse(struct port *port, int fd, const struct sockaddr_storage *peer,
		  enum reason reason, int err);

/* Has close(2) reset that TCP connection, with unread bytes or without. */
void setup_reset_on_close(int fd);

/* Frees the handshake, finished or not, and its place among those in flight. */
void setup_leave_handshake(struct conn *c);

#endif
