/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What records that are not data mean after the handshake (RFC 8446 4.6 and 6, RFC 5246 7.2 and
 * 7.4.1.1), for a server, whichever layer carries them. Decides; the caller acts.
 */
#ifndef KTLSD_TLS_POSTHANDSHAKE_H
#define KTLSD_TLS_POSTHANDSHAKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"

enum alert { /* RFC 8446 6 */
	     ALERT_CLOSE_NOTIFY = 0,
	     ALERT_UNEXPECTED_MESSAGE = 10,
	     ALERT_BAD_RECORD_MAC = 20,
	     ALERT_RECORD_OVERFLOW = 22,
	     ALERT_HANDSHAKE_FAILURE = 40,
	     ALERT_DECODE_ERROR = 50,
	     ALERT_PROTOCOL_VERSION = 70,
	     ALERT_INTERNAL_ERROR = 80,
	     ALERT_USER_CANCELED = 90,
	     ALERT_NO_RENEGOTIATION = 100,
	     ALERT_NONE = 255,
};

enum { ALERT_LEN = 2 };

enum posthandshake_action {
	POSTHANDSHAKE_NONE,	   /* nothing to do, or more bytes wanted */
	POSTHANDSHAKE_PEER_CLOSED, /* close_notify: the peer sends no more */
	POSTHANDSHAKE_REKEY_RX,	   /* KeyUpdate: new receive keys */
	POSTHANDSHAKE_REKEY_BOTH,  /* the same, and answer with a KeyUpdate of our own */
	POSTHANDSHAKE_END,	   /* end the connection for `reason`, telling the peer `alert` */
};

struct posthandshake {
	uint64_t window_ns;  /* start of the window in which these are counted */
	uint16_t n_updates;  /* key updates */
	uint16_t n_warnings; /* alerts that change nothing */
	uint8_t partial[4];  /* a handshake message begun in an earlier record */
	uint8_t n_partial;
};

struct posthandshake_verdict {
	enum posthandshake_action action;
	enum reason reason; /* for END */
	uint8_t alert;	    /* for END: enum alert to send, ALERT_NONE for none */
	uint8_t peer_alert; /* for END: the alert received, ALERT_NONE if none was */
};

/*
 * Takes the bytes of one record of that type (whole, or in pieces as they come). `version` is
 * TLS12 or TLS13; now_ns is the clock for the limits of updates and warnings.
 */
struct posthandshake_verdict posthandshake_take(struct posthandshake *ph, uint16_t version,
						uint8_t type, const uint8_t *p, size_t len,
						uint64_t now_ns);

/* The alert that tells a peer of that reason, ALERT_NONE where none is due. */
uint8_t posthandshake_alert(enum reason reason);

/* An alert record's two bytes; close_notify, user_canceled and no_renegotiation are warnings. */
void posthandshake_put_alert(uint8_t alert, uint8_t out[static ALERT_LEN]);

enum { KEY_UPDATE_LEN = 5 };

/* KeyUpdate(update_not_requested), RFC 8446 4.6.3. */
void posthandshake_put_key_update(uint8_t out[static KEY_UPDATE_LEN]);

#endif
