/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection's way from accept to OPEN. */
#ifndef KTLSD_SERVE_SETUP_H
#define KTLSD_SERVE_SETUP_H

struct conn;
struct port;

/*
 * Takes over a socket just accepted at that port; it is closed here on failure, with its reason
 * counted and logged.
 */
void setup_accept(struct port *port, int fd);

/* Frees the handshake, finished or not, and its place among those in flight. */
void setup_leave_handshake(struct conn *c);

#endif
