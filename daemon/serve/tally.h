/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections in the counters of their worker: by state and mode, and the ends of their handshakes.
 * Knows what the counters mean, and decides nothing.
 */
#ifndef KTLSD_SERVE_TALLY_H
#define KTLSD_SERVE_TALLY_H

#include "base/counters.h"

struct conn;

/*
 * Adds `by` to the gauge of the state it is in. The state is left and entered by conn_enter()
 * alone; from CONNECT on, suite and modes stay as they are.
 */
void tally_place(struct conn *c, int by);

/* A direction of it is in user space for that reason: counted, and among those of now. */
void tally_fallback(struct conn *c, enum direction d, enum reason reason);

/* It has ended its handshake: `group` as the TLS library calls it, "" for none. */
void tally_handshake(struct conn *c, bool resumed, const char *group);

/* Its end begins, for this reason: a handshake that failed, a record that did not decrypt. */
void tally_end(struct conn *c, enum reason reason);

/* It is closed: its fallbacks are none of now. */
void tally_close(struct conn *c);

void tally_rekey(struct conn *c, enum direction d, enum rekey_initiator initiator,
		 enum rekey_result result);

#endif
