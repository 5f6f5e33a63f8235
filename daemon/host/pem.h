/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PEM files (RFC 7468): read whole, and plausible. Whether key and certificate match is TLS's. */
#ifndef KTLSD_HOST_PEM_H
#define KTLSD_HOST_PEM_H

#include <stddef.h>
#include <sys/types.h>

enum { PEM_LEN_MAX = 1024 * 1024 }; /* bytes */

enum pem_kind { PEM_CERTIFICATES, PEM_KEY };

struct pem {
	char *text; /* NUL-terminated after len bytes; secret_free() it, whatever the kind */
	size_t len;
	mode_t mode; /* of the file */
};

/*
 * Reads a file that should hold certificates, or one private key. 0, or a negative errno and in
 * `why` a phrase for "the file ...", such as "cannot be opened: Permission denied; ...".
 */
int pem_read(const char *path, enum pem_kind kind, struct pem *pem, char *why, size_t why_size);

/* The check alone: NULL if the text is plausible, else the phrase. */
const char *pem_check(const char *text, enum pem_kind kind);

#endif
