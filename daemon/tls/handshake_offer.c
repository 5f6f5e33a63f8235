/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One wolfSSL context per certificate, set up alike, with tickets that fit all workers. */
#include <wolfssl/options.h>

#include "tls/handshake_offer.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wolfssl/ssl.h>

#include "base/suite.h"
#include "base/util.h"
#include "tls/certificate.h"
#include "tls/handshake.h"
#include "tls/handshake_memory.h"
#include "tls/ticket.h"

/* One certificate of an offer; wolfSSL holds one per context. */
struct site {
	WOLFSSL_CTX *ctx;
	char *path; /* of the chain, as configured */
	struct certificate certificate;
	struct handshake_offer *offer; /* not owned */
	uint64_t id;		       /* binds tickets to the certificate */
};

struct handshake_offer {
	atomic_uint refs;
	struct site *sites;
	unsigned n_sites;
	char *alpn;		     /* comma list, or NULL */
	struct ticket_keys *tickets; /* not owned */
};

/* ---- tickets ---- */

static int ticket_crypt(WOLFSSL *ssl, unsigned char name[WOLFSSL_TICKET_NAME_SZ],
			unsigned char iv[WOLFSSL_TICKET_IV_SZ],
			unsigned char mac[WOLFSSL_TICKET_MAC_SZ], int seal, unsigned char *ticket,
			int len, int *out_len, void *ctx)
{
	const struct site *site = ctx;
	struct ticket_keys *keys = site->offer->tickets;
	int err;

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
	err = ticket_seal(keys, site->id, name, iv, mac, ticket, (size_t)len);
	if (err == -ENOMEM)
		handshake_memory_miss();
	return err ? WOLFSSL_TICKET_RET_FATAL : WOLFSSL_TICKET_RET_OK;
}

/* That the callback is there makes wolfSSL bind tickets to the name; the choice was made before. */
static int accept_any_name(WOLFSSL *ssl, int *alert, void *arg)
{
	(void)ssl;
	(void)alert;
	(void)arg;
	return 0;
}

/* ---- contexts ---- */

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

	return wolfSSL_CTX_set_groups(ctx, groups, ARRAY_SIZE(groups)) == WOLFSSL_SUCCESS ? 0 :
											    -EIO;
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

	handshake_hook(ctx);
	wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
	wolfSSL_CTX_set_group_messages(ctx);
	wolfSSL_CTX_set_servername_callback(ctx, accept_any_name);
	if (o->version_max == TLS12)
		wolfSSL_CTX_set_options(ctx, WOLFSSL_OP_NO_TLSv1_3);
	if (wolfSSL_CTX_SetMinVersion(ctx, o->version_min == TLS13 ?
						   WOLFSSL_TLSV1_3 :
						   WOLFSSL_TLSV1_2) != WOLFSSL_SUCCESS)
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
	if (certificate_read(&site->certificate, c->chain, c->chain_len))
		return "the certificate's names or dates cannot be read";
	site->path = strdup(c->name);
	if (!site->path)
		return "memory is short";
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
		certificate_fini(&offer->sites[i].certificate);
		free(offer->sites[i].path);
	}
	free(offer->sites);
	free(offer->alpn);
	free(offer);
}

bool handshake_offer_certificate(const struct handshake_offer *offer, unsigned i, const char **path,
				 int64_t *not_after)
{
	if (i >= offer->n_sites)
		return false;
	*path = offer->sites[i].path;
	*not_after = offer->sites[i].certificate.not_after;
	return true;
}

struct WOLFSSL_CTX *handshake_offer_choose(const struct handshake_offer *offer, const char *sni)
{
	for (unsigned i = 0; *sni && i < offer->n_sites; i++)
		if (certificate_matches(&offer->sites[i].certificate, sni))
			return offer->sites[i].ctx;
	return offer->sites[0].ctx;
}

const char *handshake_offer_alpn(const struct handshake_offer *offer)
{
	return offer->alpn;
}
