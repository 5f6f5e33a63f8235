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

enum deadline {
	DEADLINE_NONE,
	DEADLINE_HANDSHAKE,
	DEADLINE_CONNECT,
	DEADLINE_IDLE,
	DEADLINE_DRAIN,
};

const char *state_name(enum conn_state s);
enum deadline state_deadline(enum conn_state s);

/* True if a connection in `from` may enter `to`. */
bool state_may_follow(enum conn_state from, enum conn_state to);

#endif
