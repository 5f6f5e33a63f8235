/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an open connection does: pump both flows, follow control records, close in order. */
#ifndef KTLSD_SERVE_RELAY_H
#define KTLSD_SERVE_RELAY_H

#include <stdbool.h>

struct conn;

/* Moves what can be moved in OPEN; ends the connection when both sides have finished. */
void relay_run(struct conn *c);

/* In DRAIN: delivers what is in flight, then the alert, then waits for the peer. */
void relay_drain(struct conn *c);

/*
 * Tells the peer why the connection ends, as far as the channel still can. True when nothing is
 * left to send.
 */
bool relay_say_goodbye(struct conn *c);

/* Gives back whatever the flows hold. */
void relay_release(struct conn *c);

/* True if bytes wait for the client, or for the backend. */
bool relay_waits_for_client(const struct conn *c);
bool relay_waits_for_backend(const struct conn *c);

#endif
