/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ktlsd knows of a certificate: the names it is good for, to choose one by SNI, and its end. */
#ifndef KTLSD_TLS_CERTIFICATE_H
#define KTLSD_TLS_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct certificate {
	char **name; /* lower case; "*.example.org" allowed */
	unsigned n_names;
	int64_t not_after; /* seconds since 1970, >= 0 (RFC 5280 4.1.2.5) */
};

/*
 * Reads the subject alternative DNS names (without any, the common name) and the validity of the first
 * certificate of a PEM text. 0, -EINVAL if it is no certificate, -ENOMEM. Free with certificate_fini().
 */
int certificate_read(struct certificate *c, const char *pem, size_t len);
void certificate_fini(struct certificate *c); /* a zeroed one is fine */

/* True if one of the names matches the host name (lower case, no trailing dot; RFC 6125 6.4). */
bool certificate_matches(const struct certificate *c, const char *host);

#endif
