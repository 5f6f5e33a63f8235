/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats the log lines of connections. */
#include "serve/connlog.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/util.h"
#include "serve/conn.h"
#include "serve/listener.h"
#include "serve/peer.h"
#include "serve/worker.h"

/* What the peer did is information; what this host did is a warning; our bugs are errors. */
static enum log_level level_of(enum reason reason)
{
	switch (reason_class(reason)) {
	case REASON_CLASS_BUG:
		return LOG_LEVEL_ERR;
	case REASON_CLASS_HOST:
		return LOG_LEVEL_WARNING;
	default:
		return LOG_LEVEL_INFO;
	}
}

static const char *mode_name(const struct conn *c, enum direction d)
{
	static const char *const names[] = { "none", "user", "kernel" };

	return names[c->channel.side[d].mode];
}

static void append_detail(char *text, size_t len, const struct conn *c)
{
	size_t n = 0;

	text[0] = '\0';
	if (c->end_err)
		n += (size_t)snprintf(text + n, len - n, " errno=%s", log_errno(c->end_err));
	if (c->library_err)
		n += (size_t)snprintf(text + n, len - n, " library=%d", c->library_err);
	if (c->alert_received != ALERT_NONE)
		n += (size_t)snprintf(text + n, len - n, " alert_received=%u", c->alert_received);
	if (c->alert_sent != ALERT_NONE)
		n += (size_t)snprintf(text + n, len - n, " alert_sent=%u", c->alert_sent);
	for (int d = 0; d < N_DIRECTIONS; d++)
		if (c->fallback[d].reason != REASON_NONE)
			n += (size_t)snprintf(text + n, len - n, " %s_fallback=%s",
					      direction_name((enum direction)d),
					      reason_name(c->fallback[d].reason));
}

void connlog_end(const struct conn *c)
{
	static _Thread_local struct log_limit limit[REASON_COUNT];
	char detail[256];

	append_detail(detail, sizeof(detail), c);
	log_write(level_of(c->end), &limit[c->end],
		  "conn=%" PRIu64 " listener=%s peer=%s reason=%s tx=%s rx=%s tx_bytes=%" PRIu64
		  " rx_bytes=%" PRIu64 " age_ms=%" PRIu64 "%s",
		  c->cookie, c->port->listener->name, peer_text(&c->peer).s, reason_name(c->end),
		  mode_name(c, TX), mode_name(c, RX), c->bytes[TX], c->bytes[RX],
		  (now_ns() - c->accepted_ns) / NS_PER_MS, detail);
}

void connlog_refused(const char *listener, const struct sockaddr_storage *peer, enum reason reason,
		     int err)
{
	static _Thread_local struct log_limit limit[REASON_COUNT];
	char from[sizeof(" peer=") + sizeof(struct peer_text)] = "";
	struct peer p;

	if (peer) {
		p = peer_of(peer);
		snprintf(from, sizeof(from), " peer=%s", peer_text(&p).s);
	}
	log_write(LOG_LEVEL_WARNING, &limit[reason],
		  "listener=%s%s reason=%s errno=%s msg=\"refused\"", listener, from,
		  reason_name(reason), log_errno(err));
}

void connlog_bad_step(const struct conn *c, enum conn_state to)
{
	log_err("conn=%" PRIu64 " reason=internal msg=\"step from state %s to %s\"", c->cookie,
		state_name(c->state), state_name(to));
}
