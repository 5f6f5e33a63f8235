/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the counter. */
#include "serve/tally.h"

#include <strings.h>

#include "base/util.h"
#include "serve/conn.h"
#include "serve/worker.h"

static struct counters *counters_of(const struct conn *c)
{
	return &c->port->worker->counters;
}

void tally_place(struct conn *c, int by)
{
	struct counters *n = counters_of(c);

	if (c->state == CONN_ACCEPTED || c->state == CONN_HANDSHAKE) {
		count_add(&n->early[c->state], by);
		return;
	}
	if (c->state == CONN_CLOSED)
		return;
	for (int d = 0; d < N_DIRECTIONS; d++) {
		const struct channel_side *side = &c->channel.side[d];

		count_add(&n->open[d][side->mode][suite_index(side->keys->suite)][c->state], by);
	}
}

void tally_fallback(struct conn *c, enum direction d, enum reason reason)
{
	struct counters *n = counters_of(c);

	count_add(&n->fallback[d][reason], 1);
	count_add(&n->fallen[d][reason], 1);
}

void tally_close(struct conn *c)
{
	for (int d = 0; d < N_DIRECTIONS; d++)
		if (c->fallback[d].reason != REASON_NONE)
			count_add(&counters_of(c)->fallen[d][c->fallback[d].reason], -1);
}

static enum kex_group find_group(const char *name)
{
	static const struct {
		const char *name;
		enum kex_group group;
	} groups[] = {
		{ "", GROUP_NONE },	     { "X25519MLKEM768", GROUP_MLKEM },
		{ "X25519", GROUP_X25519 },  { "SECP256R1", GROUP_P256 },
		{ "SECP384R1", GROUP_P384 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (!strcasecmp(name, groups[i].name))
			return groups[i].group;
	return GROUP_OTHER;
}

void tally_handshake(struct conn *c, bool resumed, const char *group)
{
	struct handshake_counters *n = &counters_of(c)->handshakes[c->version == TLS13][resumed];
	uint64_t ns = now_ns() - c->accepted_ns;
	unsigned i = 0;

	while (i < DURATION_N_BOUNDS && ns > duration_bounds_ms[i] * NS_PER_MS)
		i++;
	count_add(&n->by_group[find_group(group)], 1);
	count_add(&n->duration[i], 1);
	count_add(&n->duration_ns, (int64_t)ns);
}

/* What a reason says of the handshake it has ended; -1: nothing. */
static int loss_of(enum reason reason)
{
	switch (reason) {
	case REASON_SHUTDOWN:
	case REASON_DRAINED:
	case REASON_TOTAL_TIMEOUT:
		return -1;
	case REASON_HELLO_TIMEOUT:
	case REASON_HANDSHAKE_TIMEOUT:
		return HANDSHAKE_LOST_TIMEOUT;
	case REASON_HANDSHAKE_CLOSED:
	case REASON_PEER_RESET:
		return HANDSHAKE_LOST_CLOSED;
	case REASON_LIMIT_HANDSHAKES:
	case REASON_LIMIT_HANDSHAKE_RATE:
		return HANDSHAKE_LOST_REFUSED;
	default:
		return HANDSHAKE_LOST_FAILED;
	}
}

void tally_end(struct conn *c, enum reason reason)
{
	struct counters *n = counters_of(c);
	enum mode mode = c->channel.side[RX].mode;

	if (mode == MODE_NONE) {
		int loss = loss_of(reason);

		if (loss >= 0)
			count_add(&n->lost[loss], 1);
	} else if (reason == REASON_BAD_RECORD_MAC) {
		count_add(&n->decrypt_errors[mode], 1);
	} else if (reason == REASON_BAD_RECORD_HEADER || reason == REASON_RECORD_OVERFLOW) {
		count_add(&n->framing_errors[mode], 1);
	}
}

void tally_rekey(struct conn *c, enum direction d, enum rekey_initiator initiator,
		 enum rekey_result result)
{
	struct counters *n = counters_of(c);

	count_add(&n->rekeys[d][initiator][result], 1);
	if (result == REKEY_OK)
		count_add(&n->value[d == TX ? COUNTER_REKEYS_TX : COUNTER_REKEYS_RX], 1);
}
