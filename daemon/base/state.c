/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state table. */
#include "base/state.h"

#define NEXT(id) (1u << CONN_##id)

static const struct {
	const char *wire;
	enum deadline deadline;
	unsigned next; /* bit set of conn_state */
} rows[CONN_N_STATES] = {
#define STATE(id, wire_, deadline_, next_) [CONN_##id] = { wire_, DEADLINE_##deadline_, next_ },
#include "base/state.def"
#undef STATE
};

const char *state_name(enum conn_state s)
{
	return rows[s].wire;
}

enum deadline state_deadline(enum conn_state s)
{
	return rows[s].deadline;
}

bool state_may_follow(enum conn_state from, enum conn_state to)
{
	return rows[from].next & 1u << to;
}
