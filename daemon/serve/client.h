/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What passes between an open connection and its client besides data: control records, key
 * updates, and the goodbye. The same for every backend.
 */
#ifndef KTLSD_SERVE_CLIENT_H
#define KTLSD_SERVE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;

enum client_verdict {
	CLIENT_GOES_ON,
	CLIENT_FINISHED, /* close_notify: it sends no more */
	CLIENT_ENDED,	 /* the connection has ended: touch it no more */
};

/* Acts on a record that is not data. */
enum client_verdict client_take_control(struct conn *c, uint8_t type, const uint8_t *data,
					size_t len);

/*
 * Before anything else is sent: sends the KeyUpdate that is due, because the peer has asked or the
 * sending key is spent, then changes the sending keys. False when that must wait, or has ended the
 * connection.
 */
bool client_update_keys(struct conn *c);

/*
 * Everything was sent: close_notify, then FIN once it can do no harm. True, and c->tx_finished,
 * when that is done; call again until then.
 */
bool client_finish(struct conn *c);

/* In DRAIN: lets the backend deliver, then sends the alert and waits for the peer to go. */
void client_drain(struct conn *c);

#endif
