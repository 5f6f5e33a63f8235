/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of single values, and what holds between them. */
#include "host/config_list.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/suite.h"
#include "base/util.h"
#include "host/config.h"
#include "host/config_key.h"
#include "host/config_schema.h"
#include "host/config_source.h"
#include "host/config_value.h"

/* A list of the file, and its place. */
struct list {
	struct config_place place;
	char *const *entries;
	unsigned n;
};

static struct list list_of(struct config_source *source, const char *at, const char *key,
			   char *const *entries, unsigned n)
{
	return (struct list){ .place = { source, at, config_key_in(TYPE_LISTENER, key) },
			      .entries = entries,
			      .n = n };
}

__attribute__((format(printf, 3, 4))) static int reject_entry(const struct list *list, unsigned i,
							      const char *fmt, ...)
{
	char path[160], message[256];
	va_list args;

	snprintf(path, sizeof(path), "%s.%s[%u]", list->place.at, list->place.key->key, i);
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return config_source_reject(list->place.source, path, "%s", message);
}

/* Not too long, and nothing in it twice. */
static int check_list(const struct list *list)
{
	if (list->n > list->place.key->max)
		return config_value_reject(&list->place, "more than %u entries",
					   list->place.key->max);
	for (unsigned i = 0; i < list->n; i++)
		for (unsigned j = 0; j < i; j++)
			if (!strcmp(list->entries[i], list->entries[j]))
				return reject_entry(list, i, "'%.80s' is given twice; keep one",
						    list->entries[i]);
	return 0;
}

/* RFC 7301 3.1: 1 to 255 bytes; the handshake passes them on as a list with commas. */
static bool is_protocol(const char *text)
{
	size_t len = strlen(text);

	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == ',')
			return false;
	return len >= 1 && len <= 255;
}

static int store_alpn(const struct list *list, struct config_listener *listener)
{
	int r = check_list(list);

	if (r < 0 || !list->n)
		return r;
	listener->alpn = config_source_alloc(list->place.source, list->n, sizeof(*listener->alpn));
	if (!listener->alpn)
		return -ENOMEM;
	for (unsigned i = 0; i < list->n; i++) {
		if (!is_protocol(list->entries[i]))
			return reject_entry(list, i,
					    "'%.80s' is no ALPN protocol name; http/1.1 and h2 are",
					    list->entries[i]);
		listener->alpn[i] = config_source_copy(list->place.source, list->entries[i]);
		if (!listener->alpn[i])
			return -ENOMEM;
		listener->n_alpn++;
	}
	return 0;
}

static int store_versions(const struct list *list, struct config_listener *listener)
{
	int r = check_list(list);

	if (r < 0)
		return r;
	if (!list->n) {
		listener->version_min = TLS12;
		listener->version_max = TLS13;
		return 0;
	}
	for (unsigned i = 0; i < list->n; i++) {
		uint16_t version = !strcmp(list->entries[i], "1.2") ? TLS12 :
				   !strcmp(list->entries[i], "1.3") ? TLS13 :
								      0;

		if (!version)
			return reject_entry(list, i, "expects %s, not '%.80s'",
					    config_type_name(TYPE_VERSION), list->entries[i]);
		if (!i || version < listener->version_min)
			listener->version_min = version;
		if (!i || version > listener->version_max)
			listener->version_max = version;
	}
	return 0;
}

static const struct suite *find_suite(const char *name)
{
	const struct suite *s;

	for (size_t i = 0; (s = suite_at(i)); i++)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

/* Every suite is of an accepted version, and every accepted version has a suite. */
static int check_suites(const struct list *list, const struct config_listener *listener)
{
	unsigned n_of[] = { 0, 0 }; /* 1.2, 1.3 */

	for (unsigned i = 0; i < list->n; i++) {
		const struct suite *s = find_suite(list->entries[i]);

		if (!s)
			return reject_entry(list, i,
					    "ktlsd does not speak '%.80s'; ktlsd.yaml(5) lists the "
					    "suites",
					    list->entries[i]);
		if (s->version < listener->version_min || s->version > listener->version_max)
			return reject_entry(list, i,
					    "'%s' is of TLS %s, which 'versions' leaves out; "
					    "remove one or add the other",
					    s->name, suite_version_name(s->version));
		n_of[s->version == TLS13]++;
	}
	for (uint16_t v = listener->version_min; v <= listener->version_max; v++)
		if (!n_of[v == TLS13])
			return config_value_reject(&list->place,
						   "no suite of TLS %s, which 'versions' accepts; "
						   "add one, or leave the version out",
						   suite_version_name(v));
	return 0;
}

/* Needs the versions. */
static int store_ciphers(const struct list *list, struct config_listener *listener)
{
	size_t size = 0;
	char *end;
	int r = check_list(list);

	if (r < 0 || !list->n)
		return r;
	r = check_suites(list, listener);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < list->n; i++)
		size += strlen(find_suite(list->entries[i])->wolfssl) + 1;
	listener->ciphers = config_source_alloc(list->place.source, 1, size);
	if (!listener->ciphers)
		return -ENOMEM;
	end = listener->ciphers;
	for (unsigned i = 0; i < list->n; i++) {
		end = stpcpy(end, i ? ":" : "");
		end = stpcpy(end, find_suite(list->entries[i])->wolfssl);
	}
	return 0;
}

int config_list_store(struct config_source *source, const char *at, const struct raw_listener *raw,
		      struct config_listener *listener)
{
	struct list alpn = list_of(source, at, "alpn", raw->alpn, raw->n_alpn);
	struct list versions = list_of(source, at, "versions", raw->versions, raw->n_versions);
	struct list ciphers = list_of(source, at, "ciphers", raw->ciphers, raw->n_ciphers);
	int r = store_alpn(&alpn, listener);

	if (!r)
		r = store_versions(&versions, listener);
	return r ? r : store_ciphers(&ciphers, listener);
}
