/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wolfSSL drives the handshake; secrets, nonces and keys are collected beside it. */
#include <wolfssl/options.h>

#include "tls/handshake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/kdf.h>

#include "base/suite.h"
#include "base/util.h"
#include "tls/handshake_io.h"
#include "tls/handshake_memory.h"
#include "tls/handshake_offer.h"
#include "tls/hello.h"
#include "tls/posthandshake.h"
#include "tls/record.h"
#include "tls/wire.h"

struct handshake {
	WOLFSSL *ssl;
	struct handshake_offer *offer; /* a reference */
	struct handshake_io io;
	struct keys *secret_tx, *secret_rx; /* TLS 1.3 traffic secrets land here */
	bool has_tx, has_rx;
	bool is_starved; /* an allocation has failed */
	char sni[HANDSHAKE_NAME_LEN];
};

/* ---- TLS 1.3 traffic secrets ---- */

static void take_secret(struct handshake *hs, bool tx, const uint8_t *secret, size_t len)
{
	struct keys *k = tx ? hs->secret_tx : hs->secret_rx;

	if (len > sizeof(k->secret))
		return;
	memcpy(k->secret, secret, len);
	*(tx ? &hs->has_tx : &hs->has_rx) = true;
	hs->io.is_keyed = hs->has_tx && hs->has_rx;
}

#ifdef HAVE_SECRET_CALLBACK
static int secret_ready(WOLFSSL *ssl, int id, const unsigned char *secret, int len, void *ctx)
{
	(void)ssl;
	if (id == SERVER_TRAFFIC_SECRET || id == CLIENT_TRAFFIC_SECRET)
		take_secret(ctx, id == SERVER_TRAFFIC_SECRET, secret, (size_t)len);
	return 0;
}
#else
/* wolfSSL before 5.7 tells no secrets, but lets us do the derivation, without a context. */
static _Thread_local struct handshake *running;

static int expand_label(byte *okm, word32 okm_len, const byte *prk, word32 prk_len,
			const byte *protocol, word32 protocol_len, const byte *label,
			word32 label_len, const byte *info, word32 info_len, int digest, int side)
{
	int err = wc_Tls13_HKDF_Expand_Label(okm, okm_len, prk, prk_len, protocol, protocol_len,
					     label, label_len, info, info_len, digest);

	(void)side;
	if (err || !running || label_len != strlen("c ap traffic"))
		return err;
	if (!memcmp(label, "s ap traffic", label_len))
		take_secret(running, true, okm, okm_len);
	else if (!memcmp(label, "c ap traffic", label_len))
		take_secret(running, false, okm, okm_len);
	return 0;
}
#endif

/* ---- set-up ---- */

int handshake_global_init(void)
{
	int err = handshake_memory_watch();

	return err || wolfSSL_Init() == WOLFSSL_SUCCESS ? err : -EIO;
}

const char *handshake_library(void)
{
	return "wolfSSL " LIBWOLFSSL_VERSION_STRING;
}

void handshake_hook(struct WOLFSSL_CTX *ctx)
{
	handshake_io_hook(ctx);
#ifndef HAVE_SECRET_CALLBACK
	wolfSSL_CTX_SetHKDFExpandLabelCb(ctx, expand_label);
#endif
}

/* ---- one handshake ---- */

static struct handshake_failure failure(enum reason reason, int err)
{
	return (struct handshake_failure){
		.reason = reason, .err = err, .alert_sent = ALERT_NONE, .alert_received = ALERT_NONE
	};
}

static struct handshake *handshake_new(struct handshake_offer *offer, int fd, const char *sni)
{
	struct handshake *hs = calloc(1, sizeof(*hs));
	const char *alpn = handshake_offer_alpn(offer);

	if (!hs)
		return NULL;
	handshake_memory_begin();
	hs->io.fd = fd;
	hs->offer = handshake_offer_ref(offer);
	snprintf(hs->sni, sizeof(hs->sni), "%s", sni);
	hs->secret_tx = keys_new();
	hs->secret_rx = keys_new();
	hs->ssl = wolfSSL_new(handshake_offer_choose(offer, sni));
	if (!hs->ssl || !hs->secret_tx || !hs->secret_rx) {
		handshake_free(hs);
		return NULL;
	}
	handshake_io_attach(&hs->io, hs->ssl);
	wolfSSL_set_using_nonblock(hs->ssl, 1);
#ifdef HAVE_SECRET_CALLBACK
	wolfSSL_set_tls13_secret_cb(hs->ssl, secret_ready, hs);
#endif
	if (alpn)
		wolfSSL_UseALPN(hs->ssl, (char *)alpn, (unsigned)strlen(alpn),
				WOLFSSL_ALPN_FAILED_ON_MISMATCH);
	hs->is_starved = handshake_memory_was_short();
	return hs;
}

void handshake_free(struct handshake *hs)
{
	if (!hs)
		return;
	wolfSSL_free(hs->ssl);
	keys_free(hs->secret_tx);
	keys_free(hs->secret_rx);
	handshake_offer_unref(hs->offer);
	explicit_bzero(hs, sizeof(*hs));
	free(hs);
}

enum handshake_progress handshake_begin(struct handshake_offer *offer, int fd,
					struct handshake **hs, struct handshake_failure *why)
{
	const uint8_t *hello;
	char sni[HELLO_NAME_MAX] = "";
	ssize_t n = handshake_io_look(fd, &hello);

	if (n == -EAGAIN)
		return HANDSHAKE_AGAIN;
	if (n <= 0) {
		*why = failure(n ? REASON_PEER_RESET : REASON_HANDSHAKE_CLOSED, (int)-n);
		return HANDSHAKE_FAILED;
	}
	switch (hello_check(hello, (size_t)n)) {
	case HELLO_NOT_TLS:
		*why = failure(REASON_NOT_TLS, 0);
		return HANDSHAKE_FAILED;
	case HELLO_PARTIAL:
		return HANDSHAKE_AGAIN;
	case HELLO_WHOLE:
		hello_server_name(hello, (size_t)n, sni);
	}
	*hs = handshake_new(offer, fd, sni);
	if (*hs) {
		handshake_io_claim(&(*hs)->io);
		return HANDSHAKE_DONE;
	}
	*why = failure(REASON_NO_MEMORY, ENOMEM);
	return HANDSHAKE_FAILED;
}

/* Some failures of wolfSSL go without an alert: then the client would wait for ever. */
static uint8_t send_alert_if_none(struct handshake *hs, int sent)
{
	uint8_t record[] = { RECORD_ALERT, 3, 3, 0, 2, 2, ALERT_HANDSHAKE_FAILURE };

	if (sent >= 0)
		return (uint8_t)sent;
	if (hs->io.tx.encrypted || !wire_is_at_boundary(&hs->io.tx) ||
	    send(hs->io.fd, record, sizeof(record), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return ALERT_NONE;
	return ALERT_HANDSHAKE_FAILURE;
}

static struct handshake_failure diagnose(struct handshake *hs, int library)
{
	struct handshake_failure why = failure(REASON_HANDSHAKE_FAILED, 0);
	WOLFSSL_ALERT_HISTORY alerts;

	why.library = library;
	memset(&alerts, 0xff, sizeof(alerts));
	wolfSSL_get_alert_history(hs->ssl, &alerts);
	if (alerts.last_rx.code >= 0) /* says more than that our answer to it was reset */
		why.alert_received = (uint8_t)alerts.last_rx.code;
	else if (hs->io.err) {
		why.reason = REASON_PEER_RESET;
		why.err = hs->io.err;
		return why;
	}
	if (library == MEMORY_E || hs->is_starved) {
		why.reason = REASON_NO_MEMORY;
		why.err = ENOMEM;
	} else if (alerts.last_rx.code < 0 && alerts.last_tx.code <= 0 &&
		   (library == SOCKET_PEER_CLOSED_E || library == SOCKET_ERROR_E ||
		    library == WOLFSSL_ERROR_ZERO_RETURN)) {
		why.reason = REASON_HANDSHAKE_CLOSED;
		return why;
	}
	if (why.alert_received == ALERT_NONE)
		why.alert_sent = send_alert_if_none(hs, alerts.last_tx.code);
	return why;
}

enum handshake_progress handshake_run(struct handshake *hs, bool may_hide,
				      struct handshake_failure *why)
{
	int r, error;

	handshake_memory_begin();
	handshake_io_begin(&hs->io, may_hide);
#ifndef HAVE_SECRET_CALLBACK
	running = hs;
#endif
	r = wolfSSL_accept(hs->ssl);
#ifndef HAVE_SECRET_CALLBACK
	running = NULL;
#endif
	handshake_io_end(&hs->io);
	hs->is_starved |= handshake_memory_was_short();
	if (r == WOLFSSL_SUCCESS)
		return HANDSHAKE_DONE;
	error = wolfSSL_get_error(hs->ssl, r);
	if (error == WOLFSSL_ERROR_WANT_READ || error == WOLFSSL_ERROR_WANT_WRITE)
		return HANDSHAKE_AGAIN;
	*why = diagnose(hs, error);
	handshake_io_push(&hs->io); /* the alert */
	return HANDSHAKE_FAILED;
}

bool handshake_wants_room(const struct handshake *hs)
{
	return hs->io.is_full;
}

/* ---- its end ---- */

/*
 * The library's record keys: of TLS 1.3 those of the application's traffic, with the whole nonce
 * as IV; of TLS 1.2 GCM and CCM with only its fixed part.
 */
static int take_record_keys(struct handshake *hs, const struct suite *suite)
{
	struct keys *tx = hs->secret_tx, *rx = hs->secret_rx;
	size_t iv_len = (size_t)wolfSSL_GetIVSize(hs->ssl);

	if ((size_t)wolfSSL_GetKeySize(hs->ssl) != suite->key_len || iv_len > KEYS_IV_LEN)
		return -EINVAL;
	tx->suite = rx->suite = suite;
	memcpy(tx->key, wolfSSL_GetServerWriteKey(hs->ssl), suite->key_len);
	memcpy(tx->iv, wolfSSL_GetServerWriteIV(hs->ssl), iv_len);
	memcpy(rx->key, wolfSSL_GetClientWriteKey(hs->ssl), suite->key_len);
	memcpy(rx->iv, wolfSSL_GetClientWriteIV(hs->ssl), iv_len);
	return 0;
}

static int check_secrets13(const struct handshake *hs)
{
	return hs->has_tx && hs->has_rx && wolfSSL_GetIVSize(hs->ssl) == KEYS_IV_LEN ? 0 : -ENODATA;
}

static int take_nonce12(struct handshake *hs, const struct suite *suite)
{
	struct keys *tx = hs->secret_tx;

	return !suite_explicit_nonce_len(suite) ||
			       wire_next_nonce(&hs->io.tx, tx->seq, &tx->nonce) ?
		       0 :
		       -ERANGE;
}

/* Everything that must hold before the library may go. */
static int take_keys(struct handshake *hs)
{
	const struct suite *suite = suite_find((uint16_t)wolfSSL_get_current_cipher_suite(hs->ssl));
	word64 tx_seq, rx_seq;
	int err;

	if (!suite || wolfSSL_pending(hs->ssl) ||
	    wolfSSL_GetMaxOutputSize(hs->ssl) < RECORD_PLAIN_MAX)
		return -EPROTO;
	if (!wire_is_at_boundary(&hs->io.tx) || !wire_is_at_boundary(&hs->io.rx))
		return -EBUSY;
	/* These two return 1 for a sequence number of 0: only negative values are errors. */
	if (wolfSSL_GetSequenceNumber(hs->ssl, &tx_seq) < 0 ||
	    wolfSSL_GetPeerSequenceNumber(hs->ssl, &rx_seq) < 0)
		return -EPROTO;
	hs->secret_tx->seq = tx_seq;
	hs->secret_rx->seq = rx_seq;
	err = take_record_keys(hs, suite);
	if (err)
		return err;
	return suite->version == TLS13 ? check_secrets13(hs) : take_nonce12(hs, suite);
}

static void take_facts(struct handshake *hs, struct handshake_outcome *out)
{
	const char *group = wolfSSL_get_curve_name(hs->ssl);
	unsigned short alpn_len;
	char *alpn;

	snprintf(out->group, sizeof(out->group), "%s", group ? group : "");
	snprintf(out->sni, sizeof(out->sni), "%s", hs->sni);
	out->resumed = wolfSSL_session_reused(hs->ssl);
	if (wolfSSL_ALPN_GetProtocol(hs->ssl, &alpn, &alpn_len) == WOLFSSL_SUCCESS)
		snprintf(out->alpn, sizeof(out->alpn), "%.*s", (int)alpn_len, alpn);
}

int handshake_finish(struct handshake *hs, struct handshake_outcome *out,
		     struct handshake_failure *why)
{
	int err = wolfSSL_is_init_finished(hs->ssl) ? take_keys(hs) : -EPROTO;

	*out = (struct handshake_outcome){ 0 };
	if (err) {
		*why = failure(err == -ERANGE ? REASON_NONCE_UNTRACKED : REASON_INTERNAL, -err);
	} else {
		take_facts(hs, out);
		out->tx = hs->secret_tx;
		out->rx = hs->secret_rx;
		hs->secret_tx = hs->secret_rx = NULL;
	}
	handshake_free(hs);
	return err;
}
