/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's TLS handshake by wolfSSL, on a non-blocking socket. When it ends, all that is kept
 * is two struct keys and a few facts; the library's object is gone. The only file of the tree
 * that knows wolfSSL's TLS is handshake.c.
 */
#ifndef KTLSD_TLS_HANDSHAKE_H
#define KTLSD_TLS_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/keys.h"
#include "base/reason.h"

struct ticket_keys;

/* What a listener offers. Everything is the caller's and may go after handshake_offer_new(). */
struct handshake_options {
	struct handshake_certificate {
		const char *chain, *key; /* PEM */
		size_t chain_len, key_len;
		const char *name; /* for error texts: the file */
	} * certificates;
	unsigned n_certificates;
	const char *const *alpn; /* names in order of preference; none: ALPN is not answered */
	unsigned n_alpn;
	const char *ciphers;		   /* wolfSSL cipher list, NULL for all of suite.def */
	uint16_t version_min, version_max; /* TLS12, TLS13 */
	struct ticket_keys *tickets;	   /* outlives the offer; NULL: no resumption */
};

/* Everything a handshake of one listener needs; shared by all workers, never changed. */
struct handshake_offer;

/* Once per process, before the first offer and before threads. 0 or -EIO. */
int handshake_global_init(void);

/* "wolfSSL 5.9.2" */
const char *handshake_library(void);

/*
 * Builds an offer with one reference, or NULL with a sentence in `error`: a chain or key that
 * cannot be read, a key that does not match its certificate, a cipher list without a cipher.
 */
struct handshake_offer *handshake_offer_new(const struct handshake_options *o, char *error,
					    size_t error_len);
struct handshake_offer *handshake_offer_ref(struct handshake_offer *offer);
void handshake_offer_unref(struct handshake_offer *offer); /* NULL is fine */

/*
 * The offer's i-th certificate: its file as configured, the offer's, and when it ends, seconds since
 * 1970. False when there are no more.
 */
bool handshake_offer_certificate(const struct handshake_offer *offer, unsigned i, const char **path,
				 int64_t *not_after);

enum handshake_progress {
	HANDSHAKE_DONE,
	HANDSHAKE_AGAIN, /* wait for the socket */
	HANDSHAKE_FAILED,
};

/* Why it failed: the first reason, and what stands beside it. */
struct handshake_failure {
	enum reason reason;
	int err;	    /* errno, positive, or 0 */
	int library;	    /* wolfSSL's error code, negative, or 0 */
	uint8_t alert_sent; /* enum alert, ALERT_NONE if none */
	uint8_t alert_received;
};

struct handshake;

/*
 * Looks at the ClientHello without taking it off the socket, chooses the certificate by its
 * server name, and makes *hs. AGAIN until a whole first record is there: no memory is held
 * meanwhile. Fails with REASON_NOT_TLS, REASON_HANDSHAKE_CLOSED, REASON_PEER_RESET,
 * REASON_NO_MEMORY.
 */
enum handshake_progress handshake_begin(struct handshake_offer *offer, int fd,
					struct handshake **hs, struct handshake_failure *why);

/*
 * Goes on as far as the socket allows. AGAIN may be given without asking the socket once more:
 * then what comes later is an event of it. `may_hide`: an event has told of the client's end,
 * which is told only once, or of urgent data: see struct watch.
 */
enum handshake_progress handshake_run(struct handshake *hs, bool may_hide,
				      struct handshake_failure *why);

/* After AGAIN: it has something to send, and waits for room. Else only what comes helps it on. */
bool handshake_wants_room(const struct handshake *hs);

enum { HANDSHAKE_NAME_LEN = 64 };

struct handshake_outcome {
	struct keys *tx, *rx; /* the taker's */
	bool resumed;
	char group[24];		       /* "X25519", "SECP256R1", ... or "" */
	char alpn[HANDSHAKE_NAME_LEN]; /* chosen protocol or "" */
	char sni[HANDSHAKE_NAME_LEN];  /* server name asked for, cut, or "" */
};

/*
 * After DONE: takes the keys out and frees the library's object. Checks first that both
 * directions stand at a record boundary, that nothing is buffered, that the suite is ours and that
 * the TLS 1.2 nonce is known exactly. 0, or -errno with *why filled. The handshake is freed
 * either way.
 */
int handshake_finish(struct handshake *hs, struct handshake_outcome *out,
		     struct handshake_failure *why);

/* Frees an unfinished one; sends nothing. NULL is fine. */
void handshake_free(struct handshake *hs);

#endif
