/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The states of a connection, their deadlines and the steps between them. */
#ifndef KTLSD_BASE_STATE_H
#define KTLSD_BASE_STATE_H

#include <stdbool.h>

enum conn_state {
#define STATE(id, wire, deadline, next) CONN_##id,
#include "base/state.def"
#undef STATE
	CONN_N_STATES
};

/* What ends a connection that stays where it is; each has one configured length per listener. */
enum deadline {
	DEADLINE_NONE,
	DEADLINE_HANDSHAKE, /* from accept to the end of the handshake */
	DEADLINE_CONNECT,   /* the backend's answer */
	DEADLINE_IDLE,	    /* no byte moved in either direction */
	DEADLINE_REQUEST,   /* an HTTP request has begun and is not whole */
	DEADLINE_STALL,	    /* bytes wait that a side does not take */
	DEADLINE_DRAIN,	    /* last bytes on their way out */
	DEADLINE_LINGER,    /* an alert was sent: time for the peer to read it */
	DEADLINE_N
};

const char *state_name(enum conn_state s);
enum deadline state_deadline(enum conn_state s);

/* True if a connection in `from` may enter `to`. */
bool state_may_follow(enum conn_state from, enum conn_state to);

#endif
