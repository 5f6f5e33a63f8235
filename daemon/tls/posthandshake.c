/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alerts and post-handshake messages of a peer, one verdict a record. */
#include "tls/posthandshake.h"

#include <stdbool.h>
#include <string.h>

#include "base/suite.h"
#include "base/util.h"
#include "tls/record.h"

enum { /* handshake message types, RFC 8446 4 and RFC 5246 7.4 */
       CLIENT_HELLO = 1,
       KEY_UPDATE = 24,
};

enum { MESSAGE_HEADER_LEN = 4, ALERT_LEVEL_WARNING = 1, ALERT_LEVEL_FATAL = 2 };

/*
 * No honest peer updates keys this often: the smallest limit of an AEAD is 2^23 records. JDKs
 * with JDK-8329548 sent storms of them, and every one costs two key schedules.
 */
enum { UPDATES_PER_WINDOW = 32, WARNINGS_PER_WINDOW = 32 };
#define WINDOW_NS (UINT64_C(10) * 1000 * NS_PER_MS)

static struct posthandshake_verdict verdict(enum posthandshake_action action)
{
	return (struct posthandshake_verdict){ .action = action,
					       .alert = ALERT_NONE,
					       .peer_alert = ALERT_NONE };
}

static struct posthandshake_verdict end(enum reason reason, uint8_t alert)
{
	struct posthandshake_verdict v = verdict(POSTHANDSHAKE_END);

	v.reason = reason;
	v.alert = alert;
	return v;
}

static void turn_window(struct posthandshake *ph, uint64_t now)
{
	if (now - ph->window_ns <= WINDOW_NS)
		return;
	ph->window_ns = now;
	ph->n_updates = ph->n_warnings = 0;
}

static struct posthandshake_verdict take_warning(struct posthandshake *ph, uint64_t now)
{
	turn_window(ph, now);
	if (++ph->n_warnings > WARNINGS_PER_WINDOW)
		return end(REASON_RECORD_FLOOD, ALERT_UNEXPECTED_MESSAGE);
	return verdict(POSTHANDSHAKE_NONE);
}

static struct posthandshake_verdict take_alert(struct posthandshake *ph, uint16_t version,
					       const uint8_t *p, size_t len, uint64_t now)
{
	struct posthandshake_verdict v;

	if (!len) /* RFC 8446 5.4 */
		return end(REASON_UNEXPECTED_MESSAGE, ALERT_UNEXPECTED_MESSAGE);
	if (len != ALERT_LEN)
		return end(REASON_UNEXPECTED_MESSAGE, ALERT_DECODE_ERROR);
	if (p[1] == ALERT_CLOSE_NOTIFY)
		return verdict(POSTHANDSHAKE_PEER_CLOSED);
	/* Warnings: TLS 1.3 has none but user_canceled, which a close_notify follows. */
	if (p[1] == ALERT_USER_CANCELED ||
	    (version == TLS12 && p[0] == ALERT_LEVEL_WARNING && p[1] != ALERT_NO_RENEGOTIATION))
		return take_warning(ph, now);
	v = end(REASON_PEER_ALERT, ALERT_NONE);
	v.peer_alert = p[1];
	return v;
}

static struct posthandshake_verdict key_update(struct posthandshake *ph, const uint8_t *message,
					       uint64_t now)
{
	static const uint8_t length_one[3] = { 0, 0, 1 };

	if (memcmp(message + 1, length_one, sizeof(length_one)) || message[4] > 1)
		return end(REASON_UNEXPECTED_MESSAGE, ALERT_DECODE_ERROR);
	turn_window(ph, now);
	if (++ph->n_updates > UPDATES_PER_WINDOW)
		return end(REASON_KEY_UPDATE_FLOOD, ALERT_UNEXPECTED_MESSAGE);
	return verdict(message[4] ? POSTHANDSHAKE_REKEY_BOTH : POSTHANDSHAKE_REKEY_RX);
}

/*
 * A server that asks for no client authentication can only be sent KeyUpdate, which must end its
 * record (RFC 8446 5.1), so five bytes are all that ever needs remembering.
 */
static struct posthandshake_verdict take_handshake13(struct posthandshake *ph, const uint8_t *p,
						     size_t len, uint64_t now)
{
	uint8_t message[KEY_UPDATE_LEN];

	if (!len)
		return end(REASON_UNEXPECTED_MESSAGE, ALERT_UNEXPECTED_MESSAGE);
	if ((ph->n_partial ? ph->partial[0] : p[0]) != KEY_UPDATE ||
	    ph->n_partial + len > KEY_UPDATE_LEN)
		return end(REASON_UNEXPECTED_MESSAGE, ALERT_UNEXPECTED_MESSAGE);
	memcpy(message, ph->partial, ph->n_partial);
	memcpy(message + ph->n_partial, p, len);
	if (ph->n_partial + len < KEY_UPDATE_LEN) {
		ph->n_partial = (uint8_t)(ph->n_partial + len);
		memcpy(ph->partial, message, ph->n_partial);
		return verdict(POSTHANDSHAKE_NONE);
	}
	ph->n_partial = 0;
	return key_update(ph, message, now);
}

static struct posthandshake_verdict take_handshake12(const uint8_t *p, size_t len)
{
	if (len && p[0] == CLIENT_HELLO)
		return end(REASON_RENEGOTIATION, ALERT_NO_RENEGOTIATION);
	return end(REASON_UNEXPECTED_MESSAGE, ALERT_UNEXPECTED_MESSAGE);
}

struct posthandshake_verdict posthandshake_take(struct posthandshake *ph, uint16_t version,
						uint8_t type, const uint8_t *p, size_t len,
						uint64_t now)
{
	/* Nothing may stand between the pieces of one message (RFC 8446 5.1). */
	if (ph->n_partial && type != RECORD_HANDSHAKE)
		return end(REASON_UNEXPECTED_MESSAGE, ALERT_UNEXPECTED_MESSAGE);
	if (type == RECORD_ALERT)
		return take_alert(ph, version, p, len, now);
	if (type == RECORD_HANDSHAKE && version == TLS13)
		return take_handshake13(ph, p, len, now);
	if (type == RECORD_HANDSHAKE)
		return take_handshake12(p, len);
	return end(REASON_UNEXPECTED_MESSAGE, ALERT_UNEXPECTED_MESSAGE);
}

uint8_t posthandshake_alert(enum reason reason)
{
	switch (reason) {
	case REASON_BAD_RECORD_MAC:
		return ALERT_BAD_RECORD_MAC;
	case REASON_RECORD_OVERFLOW:
		return ALERT_RECORD_OVERFLOW;
	case REASON_BAD_RECORD_HEADER:
	case REASON_UNEXPECTED_MESSAGE:
	case REASON_KEY_UPDATE_FLOOD:
	case REASON_RECORD_FLOOD:
		return ALERT_UNEXPECTED_MESSAGE;
	case REASON_RENEGOTIATION:
		return ALERT_NO_RENEGOTIATION;
	case REASON_CLOSED:
	case REASON_SHUTDOWN:
	case REASON_IDLE_TIMEOUT:
	case REASON_TOTAL_TIMEOUT:
	case REASON_DRAINED:
	case REASON_REKEY_UNANSWERABLE:
	case REASON_KEY_SPENT:
	case REASON_BAD_REQUEST: /* HTTP has said it */
	case REASON_REQUEST_TIMEOUT:
		return ALERT_CLOSE_NOTIFY;
	case REASON_BACKEND_REFUSED: /* close_notify would vouch for data that is cut off */
	case REASON_BACKEND_TIMEOUT:
	case REASON_BACKEND_RESET:
	case REASON_FILE_SHRANK:
	case REASON_FILE_FAILED:
	case REASON_INTERNAL:
	case REASON_NO_MEMORY:
	case REASON_NO_FDS:
	case REASON_KTLS_REQUIRED:
		return ALERT_INTERNAL_ERROR;
	default:
		return ALERT_NONE;
	}
}

void posthandshake_put_alert(uint8_t alert, uint8_t out[static ALERT_LEN])
{
	bool warning = alert == ALERT_CLOSE_NOTIFY || alert == ALERT_USER_CANCELED ||
		       alert == ALERT_NO_RENEGOTIATION;

	out[0] = warning ? ALERT_LEVEL_WARNING : ALERT_LEVEL_FATAL;
	out[1] = alert;
}

void posthandshake_put_key_update(uint8_t out[static KEY_UPDATE_LEN])
{
	memcpy(out, (const uint8_t[]){ KEY_UPDATE, 0, 0, 1, 0 }, KEY_UPDATE_LEN);
}
