/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the leaf by wolfCrypt, matches names itself. */
#include <wolfssl/options.h>

#include "tls/certificate.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>

#include "base/util.h"

static int add_name(struct certificate_names *names, const char *text, size_t len)
{
	char **grown = realloc(names->name, (names->n + 1) * sizeof(*grown));
	char *name;

	if (!grown)
		return -ENOMEM;
	names->name = grown;
	name = strndup(text, len);
	if (!name)
		return -ENOMEM;
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	names->name[names->n++] = name;
	return 0;
}

static int collect(struct certificate_names *names, const struct DecodedCert *cert)
{
	int err = 0;

	for (const DNS_entry *e = cert->altNames; e && !err; e = e->next)
		if (e->type == ASN_DNS_TYPE)
			err = add_name(names, e->name, (size_t)e->len);
	if (!err && !names->n && cert->subjectCN)
		err = add_name(names, cert->subjectCN, (size_t)cert->subjectCNLen);
	return err;
}

int certificate_names_read(struct certificate_names *names, const char *pem, size_t len)
{
	_cleanup_free_ unsigned char *der = malloc(len ? len : 1);
	struct DecodedCert cert;
	int der_len, err;

	*names = (struct certificate_names){ 0 };
	if (!der)
		return -ENOMEM;
	der_len = wc_CertPemToDer((const unsigned char *)pem, (int)len, der, (int)len, CERT_TYPE);
	if (der_len <= 0)
		return -EINVAL;
	wc_InitDecodedCert(&cert, der, (word32)der_len, NULL);
	err = wc_ParseCert(&cert, CERT_TYPE, NO_VERIFY, NULL) ? -EINVAL : collect(names, &cert);
	wc_FreeDecodedCert(&cert);
	if (err)
		certificate_names_fini(names);
	return err;
}

void certificate_names_fini(struct certificate_names *names)
{
	for (unsigned i = 0; i < names->n; i++)
		free(names->name[i]);
	free(names->name);
	*names = (struct certificate_names){ 0 };
}

/* A wildcard stands for exactly one label, the leftmost. */
static bool matches(const char *pattern, const char *host)
{
	const char *dot;

	if (strncmp(pattern, "*.", 2))
		return !strcmp(pattern, host);
	dot = strchr(host, '.');
	return dot && dot != host && !strcmp(pattern + 1, dot);
}

bool certificate_names_match(const struct certificate_names *names, const char *host)
{
	for (unsigned i = 0; i < names->n; i++)
		if (matches(names->name[i], host))
			return true;
	return false;
}
