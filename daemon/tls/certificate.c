/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the leaf by wolfCrypt, matches names itself. */
#include <wolfssl/options.h>

#include "tls/certificate.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>

#include "base/util.h"

static int add_name(struct certificate *c, const char *text, size_t len)
{
	char **grown = realloc(c->name, (c->n_names + 1) * sizeof(*grown));
	char *name;

	if (!grown)
		return -ENOMEM;
	c->name = grown;
	name = strndup(text, len);
	if (!name)
		return -ENOMEM;
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	c->name[c->n_names++] = name;
	return 0;
}

static int collect_names(struct certificate *c, const struct DecodedCert *cert)
{
	int err = 0;

	for (const DNS_entry *e = cert->altNames; e && !err; e = e->next)
		if (e->type == ASN_DNS_TYPE)
			err = add_name(c, e->name, (size_t)e->len);
	if (!err && !c->n_names && cert->subjectCN)
		err = add_name(c, cert->subjectCN, (size_t)cert->subjectCNLen);
	return err;
}

/* The library gives months from 0 and years from 1900, as struct tm has them. */
static int read_end(struct certificate *c, const struct DecodedCert *cert)
{
	const byte *date;
	struct tm tm = { 0 };
	byte format;
	time_t end;
	int len;

	if (wc_GetDateInfo(cert->afterDate, cert->afterDateLen, &date, &format, &len) ||
	    wc_GetDateAsCalendarTime(date, len, format, &tm))
		return -EINVAL;
	end = timegm(&tm);
	c->not_after = end > 0 ? end : 0;
	return 0;
}

int certificate_read(struct certificate *c, const char *pem, size_t len)
{
	_cleanup_free_ unsigned char *der = malloc(len ? len : 1);
	struct DecodedCert cert;
	int der_len, err;

	*c = (struct certificate){ 0 };
	if (!der)
		return -ENOMEM;
	der_len = wc_CertPemToDer((const unsigned char *)pem, (int)len, der, (int)len, CERT_TYPE);
	if (der_len <= 0)
		return -EINVAL;
	wc_InitDecodedCert(&cert, der, (word32)der_len, NULL);
	err = wc_ParseCert(&cert, CERT_TYPE, NO_VERIFY, NULL) ? -EINVAL : collect_names(c, &cert);
	if (!err)
		err = read_end(c, &cert);
	wc_FreeDecodedCert(&cert);
	if (err)
		certificate_fini(c);
	return err;
}

void certificate_fini(struct certificate *c)
{
	for (unsigned i = 0; i < c->n_names; i++)
		free(c->name[i]);
	free(c->name);
	*c = (struct certificate){ 0 };
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

bool certificate_matches(const struct certificate *c, const char *host)
{
	for (unsigned i = 0; i < c->n_names; i++)
		if (matches(c->name[i], host))
			return true;
	return false;
}
