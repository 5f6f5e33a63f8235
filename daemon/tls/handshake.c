/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wolfSSL drives the handshake; secrets, nonces and keys are collected beside it. */
#include <wolfssl/options.h>

#include "tls/handshake.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <wolfssl/ssl.h>
#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/kdf.h>

#include "base/suite.h"
#include "base/util.h"
#include "tls/aead.h"
#include "tls/certificate.h"
#include "tls/hello.h"
#include "tls/posthandshake.h"
#include "tls/record.h"
#include "tls/ticket.h"
#include "tls/wire.h"

/* One certificate of an offer; wolfSSL holds one per context. */
struct site {
	WOLFSSL_CTX *ctx;
	struct certificate_names names;
	struct handshake_offer *offer; /* not owned */
	uint64_t id;		       /* binds tickets to the certificate */
};

struct handshake_offer {
	atomic_uint refs;
	struct site *sites;
	unsigned n_sites;
	char *alpn; /* comma list, or NULL */
	struct ticket_keys *tickets; /* not owned */
};

struct handshake {
	WOLFSSL *ssl;
	struct handshake_offer *offer; /* a reference */
	int fd;
	int io_err; /* errno of the socket, when that is why it failed */
	struct wire tx, rx;
	struct keys *secret_tx, *secret_rx; /* TLS 1.3 traffic secrets land here */
	bool has_tx, has_rx;
	char sni[HANDSHAKE_NAME_LEN];
};

/* ---- the socket ---- */

static int io_recv(WOLFSSL *ssl, char *buf, int len, void *ctx)
{
	struct handshake *hs = ctx;
	ssize_t n;

	(void)ssl;
	do
		n = recv(hs->fd, buf, (size_t)len, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		wire_track(&hs->rx, (const uint8_t *)buf, (size_t)n);
		return (int)n;
	}
	if (n < 0 && errno == EAGAIN)
		return WOLFSSL_CBIO_ERR_WANT_READ;
	hs->io_err = n < 0 ? errno : 0;
	return n < 0 ? WOLFSSL_CBIO_ERR_CONN_RST : WOLFSSL_CBIO_ERR_CONN_CLOSE;
}

static int io_send(WOLFSSL *ssl, char *buf, int len, void *ctx)
{
	struct handshake *hs = ctx;
	ssize_t n;

	(void)ssl;
	do
		n = send(hs->fd, buf, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0) {
		wire_track(&hs->tx, (const uint8_t *)buf, (size_t)n);
		return (int)n;
	}
	if (errno == EAGAIN)
		return WOLFSSL_CBIO_ERR_WANT_WRITE;
	hs->io_err = errno;
	return WOLFSSL_CBIO_ERR_CONN_RST;
}

/* ---- TLS 1.3 traffic secrets ---- */

static void take_secret(struct handshake *hs, bool tx, const uint8_t *secret, size_t len)
{
	struct keys *k = tx ? hs->secret_tx : hs->secret_rx;

	if (len > sizeof(k->secret))
		return;
	memcpy(k->secret, secret, len);
	*(tx ? &hs->has_tx : &hs->has_rx) = true;
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

/* ---- tickets ---- */

static int ticket_crypt(WOLFSSL *ssl, unsigned char name[WOLFSSL_TICKET_NAME_SZ],
			unsigned char iv[WOLFSSL_TICKET_IV_SZ],
			unsigned char mac[WOLFSSL_TICKET_MAC_SZ], int seal, unsigned char *ticket,
			int len, int *out_len, void *ctx)
{
	const struct site *site = ctx;
	struct ticket_keys *keys = site->offer->tickets;

	(void)ssl;
	*out_len = len;
	if (len < 0)
		return WOLFSSL_TICKET_RET_REJECT;
	if (!seal)
		return ticket_open(keys, site->id, name, iv, mac, ticket, (size_t)len) ?
			       WOLFSSL_TICKET_RET_REJECT :
			       WOLFSSL_TICKET_RET_OK;
	memset(iv, 0, WOLFSSL_TICKET_IV_SZ);
	memset(mac, 0, WOLFSSL_TICKET_MAC_SZ);
	return ticket_seal(keys, site->id, name, iv, mac, ticket, (size_t)len) ?
		       WOLFSSL_TICKET_RET_FATAL :
		       WOLFSSL_TICKET_RET_OK;
}

/* That the callback is there makes wolfSSL bind tickets to the name; the choice was made before. */
static int accept_any_name(WOLFSSL *ssl, int *alert, void *arg)
{
	(void)ssl;
	(void)alert;
	(void)arg;
	return 0;
}

/* ---- offers ---- */

int handshake_global_init(void)
{
	return wolfSSL_Init() == WOLFSSL_SUCCESS ? 0 : -EIO;
}

const char *handshake_library(void)
{
	return "wolfSSL " LIBWOLFSSL_VERSION_STRING;
}

/* All suites of our table within the versions, colon-separated. The caller frees it. */
static char *default_ciphers(const struct handshake_options *o)
{
	char *list = calloc(1, 1024);
	size_t len = 0;
	const struct suite *s;

	for (size_t i = 0; list && (s = suite_at(i)); i++)
		if (s->version >= o->version_min && s->version <= o->version_max)
			len += (size_t)snprintf(list + len, 1024 - len, "%s%s", len ? ":" : "",
						s->wolfssl);
	return list;
}

static int set_groups(WOLFSSL_CTX *ctx)
{
	int groups[] = {
#ifdef WOLFSSL_HAVE_MLKEM
		WOLFSSL_X25519MLKEM768,
#endif
		WOLFSSL_ECC_X25519,
		WOLFSSL_ECC_SECP256R1,
		WOLFSSL_ECC_SECP384R1,
	};

	return wolfSSL_CTX_set_groups(ctx, groups, ARRAY_SIZE(groups)) == WOLFSSL_SUCCESS ? 0 : -EIO;
}

static void set_tickets(WOLFSSL_CTX *ctx, struct site *site, const struct handshake_options *o)
{
	enum { TICKET_LIFETIME_S = 12 * 3600 };

	wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_OFF);
	if (!o->tickets) {
		wolfSSL_CTX_no_ticket_TLSv13(ctx);
		wolfSSL_CTX_NoTicketTLSv12(ctx);
		return;
	}
	wolfSSL_CTX_set_TicketEncCb(ctx, ticket_crypt);
	wolfSSL_CTX_set_TicketEncCtx(ctx, site);
	wolfSSL_CTX_set_TicketHint(ctx, TICKET_LIFETIME_S);
	wolfSSL_CTX_set_timeout(ctx, TICKET_LIFETIME_S);
}

/* Loads chain and key; gives NULL or what is wrong with them. */
static const char *load_certificate(WOLFSSL_CTX *ctx, const struct handshake_certificate *c)
{
	if (wolfSSL_CTX_use_certificate_chain_buffer(ctx, (const unsigned char *)c->chain,
						     (long)c->chain_len) != WOLFSSL_SUCCESS)
		return "the certificate chain cannot be read: PEM with the leaf first is expected";
	if (wolfSSL_CTX_use_PrivateKey_buffer(ctx, (const unsigned char *)c->key, (long)c->key_len,
					      WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)
		return "the private key cannot be read: unencrypted PEM is expected";
	if (wolfSSL_CTX_check_private_key(ctx) != WOLFSSL_SUCCESS)
		return "the private key does not match the certificate";
	return NULL;
}

static const char *configure(WOLFSSL_CTX *ctx, const struct handshake_options *o)
{
	_cleanup_free_ char *all = default_ciphers(o);
	const char *ciphers = o->ciphers ? o->ciphers : all;

	wolfSSL_CTX_SetIORecv(ctx, io_recv);
	wolfSSL_CTX_SetIOSend(ctx, io_send);
	wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
	wolfSSL_CTX_set_group_messages(ctx);
	wolfSSL_CTX_set_servername_callback(ctx, accept_any_name);
#ifndef HAVE_SECRET_CALLBACK
	wolfSSL_CTX_SetHKDFExpandLabelCb(ctx, expand_label);
#endif
	if (o->version_max == TLS12)
		wolfSSL_CTX_set_options(ctx, WOLFSSL_OP_NO_TLSv1_3);
	if (wolfSSL_CTX_SetMinVersion(ctx, o->version_min == TLS13 ? WOLFSSL_TLSV1_3 :
								       WOLFSSL_TLSV1_2) !=
	    WOLFSSL_SUCCESS)
		return "the TLS library does not know the versions asked for";
	if (!ciphers || wolfSSL_CTX_set_cipher_list(ctx, ciphers) != WOLFSSL_SUCCESS)
		return "the TLS library knows none of the ciphers";
	return set_groups(ctx) ? "the TLS library does not know our groups" : NULL;
}

static const char *site_init(struct site *site, const struct handshake_options *o,
			     const struct handshake_certificate *c)
{
	const char *wrong;

	site->ctx = wolfSSL_CTX_new(wolfSSLv23_server_method());
	if (!site->ctx)
		return "memory is short";
	wrong = configure(site->ctx, o);
	if (!wrong)
		wrong = load_certificate(site->ctx, c);
	if (wrong)
		return wrong;
	if (certificate_names_read(&site->names, c->chain, c->chain_len))
		return "the certificate's names cannot be read";
	for (size_t i = 0; i < c->chain_len; i++) /* FNV-1a: equal certificates, equal sites */
		site->id = (site->id ^ (unsigned char)c->chain[i]) * UINT64_C(0x100000001b3);
	set_tickets(site->ctx, site, o);
	return NULL;
}

static char *join_alpn(const struct handshake_options *o)
{
	size_t len = 1;
	char *list;

	for (unsigned i = 0; i < o->n_alpn; i++)
		len += strlen(o->alpn[i]) + 1;
	list = calloc(1, len);
	for (unsigned i = 0; list && i < o->n_alpn; i++) {
		if (i)
			strcat(list, ",");
		strcat(list, o->alpn[i]);
	}
	return list;
}

struct handshake_offer *handshake_offer_new(const struct handshake_options *o, char *error,
					    size_t error_len)
{
	struct handshake_offer *offer = calloc(1, sizeof(*offer));
	const char *wrong = NULL;

	if (offer)
		offer->sites = calloc(o->n_certificates, sizeof(*offer->sites));
	if (!offer || !offer->sites || (o->n_alpn && !(offer->alpn = join_alpn(o)))) {
		snprintf(error, error_len, "memory is short");
		handshake_offer_unref(offer);
		return NULL;
	}
	offer->refs = 1;
	offer->tickets = o->tickets;
	for (unsigned i = 0; i < o->n_certificates && !wrong; i++) {
		offer->n_sites++;
		offer->sites[i].offer = offer;
		wrong = site_init(&offer->sites[i], o, &o->certificates[i]);
		if (wrong)
			snprintf(error, error_len, "%s: %s", o->certificates[i].name, wrong);
	}
	if (!wrong)
		return offer;
	handshake_offer_unref(offer);
	return NULL;
}

struct handshake_offer *handshake_offer_ref(struct handshake_offer *offer)
{
	atomic_fetch_add(&offer->refs, 1);
	return offer;
}

void handshake_offer_unref(struct handshake_offer *offer)
{
	if (!offer || (offer->refs && atomic_fetch_sub(&offer->refs, 1) != 1))
		return;
	for (unsigned i = 0; i < offer->n_sites; i++) {
		wolfSSL_CTX_free(offer->sites[i].ctx);
		certificate_names_fini(&offer->sites[i].names);
	}
	free(offer->sites);
	free(offer->alpn);
	free(offer);
}

/* ---- one handshake ---- */

static struct site *choose_site(struct handshake_offer *offer, const char *sni)
{
	for (unsigned i = 0; *sni && i < offer->n_sites; i++)
		if (certificate_names_match(&offer->sites[i].names, sni))
			return &offer->sites[i];
	return &offer->sites[0];
}

static struct handshake_failure failure(enum reason reason, int err)
{
	return (struct handshake_failure){ .reason = reason,
					   .err = err,
					   .alert_sent = ALERT_NONE,
					   .alert_received = ALERT_NONE };
}

static struct handshake *handshake_new(struct handshake_offer *offer, int fd, const char *sni)
{
	struct handshake *hs = calloc(1, sizeof(*hs));

	if (!hs)
		return NULL;
	hs->fd = fd;
	hs->offer = handshake_offer_ref(offer);
	snprintf(hs->sni, sizeof(hs->sni), "%s", sni);
	hs->secret_tx = keys_new();
	hs->secret_rx = keys_new();
	hs->ssl = wolfSSL_new(choose_site(offer, sni)->ctx);
	if (!hs->ssl || !hs->secret_tx || !hs->secret_rx) {
		handshake_free(hs);
		return NULL;
	}
	wolfSSL_SetIOReadCtx(hs->ssl, hs);
	wolfSSL_SetIOWriteCtx(hs->ssl, hs);
	wolfSSL_set_using_nonblock(hs->ssl, 1);
#ifdef HAVE_SECRET_CALLBACK
	wolfSSL_set_tls13_secret_cb(hs->ssl, secret_ready, hs);
#endif
	if (offer->alpn)
		wolfSSL_UseALPN(hs->ssl, offer->alpn, (unsigned)strlen(offer->alpn),
				WOLFSSL_ALPN_FAILED_ON_MISMATCH);
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

enum handshake_progress handshake_begin(struct handshake_offer *offer, int fd, struct handshake **hs,
					struct handshake_failure *why)
{
	uint8_t hello[HELLO_PEEK_MAX];
	char sni[HELLO_NAME_MAX] = "";
	ssize_t n = recv(fd, hello, sizeof(hello), MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return HANDSHAKE_AGAIN;
	if (n <= 0) {
		*why = failure(n ? REASON_PEER_RESET : REASON_HANDSHAKE_CLOSED, n ? errno : 0);
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
	if (*hs)
		return HANDSHAKE_DONE;
	*why = failure(REASON_NO_MEMORY, ENOMEM);
	return HANDSHAKE_FAILED;
}

/* Some failures of wolfSSL go without an alert: then the client would wait for ever. */
static uint8_t send_alert_if_none(struct handshake *hs, int sent)
{
	uint8_t record[] = { RECORD_ALERT, 3, 3, 0, 2, 2, ALERT_HANDSHAKE_FAILURE };

	if (sent >= 0)
		return (uint8_t)sent;
	if (hs->tx.encrypted || !wire_is_at_boundary(&hs->tx) ||
	    send(hs->fd, record, sizeof(record), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return ALERT_NONE;
	return ALERT_HANDSHAKE_FAILURE;
}

static struct handshake_failure diagnose(struct handshake *hs, int library)
{
	struct handshake_failure why = failure(REASON_HANDSHAKE_FAILED, 0);
	WOLFSSL_ALERT_HISTORY alerts;

	why.library = library;
	if (hs->io_err) {
		why.reason = REASON_PEER_RESET;
		why.err = hs->io_err;
		return why;
	}
	memset(&alerts, 0xff, sizeof(alerts));
	wolfSSL_get_alert_history(hs->ssl, &alerts);
	if (alerts.last_rx.code >= 0)
		why.alert_received = (uint8_t)alerts.last_rx.code;
	if (library == MEMORY_E) {
		why.reason = REASON_NO_MEMORY;
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

enum handshake_progress handshake_run(struct handshake *hs, struct handshake_failure *why)
{
	int r, error;

#ifndef HAVE_SECRET_CALLBACK
	running = hs;
#endif
	r = wolfSSL_accept(hs->ssl);
#ifndef HAVE_SECRET_CALLBACK
	running = NULL;
#endif
	if (r == WOLFSSL_SUCCESS)
		return HANDSHAKE_DONE;
	error = wolfSSL_get_error(hs->ssl, r);
	if (error == WOLFSSL_ERROR_WANT_READ || error == WOLFSSL_ERROR_WANT_WRITE)
		return HANDSHAKE_AGAIN;
	*why = diagnose(hs, error);
	return HANDSHAKE_FAILED;
}

/* ---- its end ---- */

static int take_keys13(struct handshake *hs, const struct suite *suite)
{
	int err;

	if (!hs->has_tx || !hs->has_rx)
		return -ENODATA;
	hs->secret_tx->suite = hs->secret_rx->suite = suite;
	err = aead_derive(hs->secret_tx);
	return err ? err : aead_derive(hs->secret_rx);
}

static int take_keys12(struct handshake *hs, const struct suite *suite)
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
	if (suite_explicit_nonce_len(suite) && !wire_next_nonce(&hs->tx, tx->seq, &tx->nonce))
		return -ERANGE;
	return 0;
}

/* Everything that must hold before the library may go. */
static int take_keys(struct handshake *hs)
{
	const struct suite *suite =
		suite_find((uint16_t)wolfSSL_get_current_cipher_suite(hs->ssl));
	word64 tx_seq, rx_seq;

	if (!suite || wolfSSL_pending(hs->ssl) || wolfSSL_GetMaxOutputSize(hs->ssl) < RECORD_PLAIN_MAX)
		return -EPROTO;
	if (!wire_is_at_boundary(&hs->tx) || !wire_is_at_boundary(&hs->rx))
		return -EBUSY;
	/* These two return 1 for a sequence number of 0: only negative values are errors. */
	if (wolfSSL_GetSequenceNumber(hs->ssl, &tx_seq) < 0 ||
	    wolfSSL_GetPeerSequenceNumber(hs->ssl, &rx_seq) < 0)
		return -EPROTO;
	hs->secret_tx->seq = tx_seq;
	hs->secret_rx->seq = rx_seq;
	return suite->version == TLS13 ? take_keys13(hs, suite) : take_keys12(hs, suite);
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
