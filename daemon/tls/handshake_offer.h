/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What handshake.c and handshake_offer.c know of each other; nobody else includes it. */
#ifndef KTLSD_TLS_HANDSHAKE_OFFER_H
#define KTLSD_TLS_HANDSHAKE_OFFER_H

struct WOLFSSL_CTX;
struct handshake_offer;

/* The context for that server name (lower case, "" for none): the first whose certificate fits,
 * else the first of all. The offer's. */
struct WOLFSSL_CTX *handshake_offer_choose(const struct handshake_offer *offer, const char *sni);

/* The ALPN names, comma-separated, or NULL. The offer's. */
const char *handshake_offer_alpn(const struct handshake_offer *offer);

/* Sets the context's callbacks for the socket and for secrets. Of handshake.c. */
void handshake_hook(struct WOLFSSL_CTX *ctx);

#endif
