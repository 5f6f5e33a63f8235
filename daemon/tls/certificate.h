/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names a certificate is good for, to choose one by SNI (RFC 6066 3, RFC 6125 6.4). */
#ifndef KTLSD_TLS_CERTIFICATE_H
#define KTLSD_TLS_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

struct certificate_names {
	char **name; /* lower case; "*.example.org" allowed */
	unsigned n;
};

/*
 * Reads the subject alternative DNS names (without any, the common name) of the first certificate
 * of a PEM text. 0, -EINVAL if it is no certificate, -ENOMEM. Free with certificate_names_fini().
 */
int certificate_names_read(struct certificate_names *names, const char *pem, size_t len);
void certificate_names_fini(struct certificate_names *names);

/* True if one of the names matches the host name (lower case, no trailing dot). */
bool certificate_names_match(const struct certificate_names *names, const char *host);

#endif
