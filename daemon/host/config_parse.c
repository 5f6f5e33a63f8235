/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Goes through what the file says, mapping by mapping, with the table of keys in hand. */
#include "host/config_parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "host/config.h"
#include "host/config_key.h"
#include "host/config_list.h"
#include "host/config_schema.h"
#include "host/config_source.h"
#include "host/config_value.h"

/* Buffers for paths: "listeners[4294967295]", and of what stands in a listener. */
enum { LISTENER_PATH_SIZE = 32, PATH_SIZE = 64 };

/* What the file says for a key, or NULL; raw may be NULL for a mapping that is not there. */
static const char *raw_text(const void *raw, const struct config_key *key)
{
	return raw ? *(char *const *)((const char *)raw + key->raw) : NULL;
}

/*
 * Stores every VALUE of a mapping into the checked structure. What `raw` does not say, `outer`
 * may, which is the same mapping further up; then the table's default.
 */
static int store_values(struct config_source *source, const char *at, enum config_type map,
			const void *raw, const void *outer, void *target)
{
	const struct config_key *key;
	int r = 0;

	for (size_t i = 0; !r && (key = config_key_at(i)); i++) {
		struct config_place place = { source, at, key };
		const char *text;

		if (key->map != map || key->shape != SHAPE_VALUE)
			continue;
		text = raw_text(raw, key);
		if (!text)
			text = raw_text(outer, key);
		if (!text)
			text = key->fallback;
		if (text)
			r = config_value_store(&place, text, (char *)target + key->target);
		else if (config_key_is_required(key))
			r = config_value_reject(&place, "is missing; it takes %s",
						config_type_name(key->type));
	}
	return r;
}

/* The length of a list of mappings is within its bounds. */
static int check_count(struct config_source *source, const char *at, const struct config_key *key,
		       unsigned n)
{
	struct config_place place = { source, at, key };

	if (n < key->min)
		return config_value_reject(&place, "is missing; it takes a list of at least %u",
					   key->min);
	if (n > key->max)
		return config_value_reject(&place, "more than %u entries", key->max);
	return 0;
}

static int store_certificates(struct config_source *source, const char *at,
			      const struct raw_listener *raw, struct config_listener *listener)
{
	int r = check_count(source, at, config_key_in(TYPE_LISTENER, "certificates"),
			    raw->n_certificates);

	if (r < 0)
		return r;
	listener->certificates =
		config_source_alloc(source, raw->n_certificates, sizeof(*listener->certificates));
	if (!listener->certificates)
		return -ENOMEM;
	listener->n_certificates = raw->n_certificates;
	for (unsigned i = 0; !r && i < raw->n_certificates; i++) {
		char path[PATH_SIZE];

		snprintf(path, sizeof(path), "%s.certificates[%u]", at, i);
		r = store_values(source, path, TYPE_CERTIFICATE, &raw->certificates[i], NULL,
				 &listener->certificates[i]);
	}
	return r;
}

/* A listener has one backend: proxy, which is stored already, or files. */
static int store_backend(struct config_source *source, const char *at,
			 const struct raw_listener *raw, struct config_listener *listener)
{
	struct config_place place = { source, at, config_key_in(TYPE_LISTENER, "proxy") };
	char path[PATH_SIZE];
	int r;

	if (!raw->files)
		return raw->proxy ? 0 :
				    config_value_reject(&place, "is missing, and files too; "
								"a listener has one of them");
	if (raw->proxy)
		return config_value_reject(&place, "stands beside files; keep one of them");
	snprintf(path, sizeof(path), "%s.files", at);
	r = store_values(source, path, TYPE_FILES, raw->files, NULL, &listener->files);
	if (r < 0)
		return r;
	listener->backend.kind = CONFIG_BACKEND_FILES;
	if (asprintf(&listener->backend.text, "files:%s", listener->files.root) >= 0)
		return 0;
	listener->backend.text = NULL;
	return config_source_reject_memory(source);
}

static int store_listener(struct config_source *source, const char *at, const struct raw_root *root,
			  const struct raw_listener *raw, struct config_listener *listener)
{
	char path[PATH_SIZE];
	int r = store_values(source, at, TYPE_LISTENER, raw, NULL, listener);

	if (!r)
		r = store_backend(source, at, raw, listener);
	if (!r)
		r = store_certificates(source, at, raw, listener);
	if (!r)
		r = config_list_store(source, at, raw, listener);
	snprintf(path, sizeof(path), "%s.timeouts", at);
	if (!r)
		r = store_values(source, path, TYPE_TIMEOUTS, raw->timeouts, root->timeouts,
				 &listener->timeouts);
	snprintf(path, sizeof(path), "%s.keepalive", at);
	if (!r)
		r = store_values(source, path, TYPE_KEEPALIVE, raw->keepalive, NULL,
				 &listener->keepalive);
	snprintf(path, sizeof(path), "%s.ktls", at);
	if (!r)
		r = store_values(source, path, TYPE_KTLS, raw->ktls, NULL, &listener->policy);
	return r;
}

static int check_unique_name(struct config_source *source, const char *at,
			     const struct config *config, unsigned i)
{
	struct config_place place = { source, at, config_key_in(TYPE_LISTENER, "name") };

	for (unsigned j = 0; j < i; j++)
		if (!strcmp(config->listeners[i].name, config->listeners[j].name))
			return config_value_reject(&place, "'%s' is listeners[%u]'s; find another",
						   config->listeners[i].name, j);
	return 0;
}

static int store_listeners(struct config_source *source, const struct raw_root *raw,
			   struct config *config)
{
	int r = check_count(source, "", config_key_in(TYPE_ROOT, "listeners"), raw->n_listeners);

	if (r < 0 || !raw->n_listeners)
		return r;
	config->listeners =
		config_source_alloc(source, raw->n_listeners, sizeof(*config->listeners));
	if (!config->listeners)
		return -ENOMEM;
	config->n_listeners = raw->n_listeners;
	for (unsigned i = 0; !r && i < raw->n_listeners; i++) {
		char path[LISTENER_PATH_SIZE];

		snprintf(path, sizeof(path), "listeners[%u]", i);
		r = store_listener(source, path, raw, &raw->listeners[i], &config->listeners[i]);
		if (!r)
			r = check_unique_name(source, path, config, i);
	}
	return r;
}

static int store_root(struct config_source *source, const struct raw_root *raw,
		      struct config *config)
{
	struct config_timeouts unused; /* checked even if every listener has its own */
	int r = store_values(source, "", TYPE_ROOT, raw, NULL, config);

	if (r < 0)
		return r;
	config->metrics.is_default = !raw->metrics;
	config->path = config_source_copy(source, source->path);
	if (!config->path)
		return -ENOMEM;
	if (!config->api_socket &&
	    asprintf(&config->api_socket, "%s/api.sock", config->runtime_directory) < 0) {
		config->api_socket = NULL;
		return config_source_reject_memory(source);
	}
	r = store_values(source, "limits", TYPE_LIMITS, raw->limits, NULL, &config->limits);
	if (!r)
		r = store_values(source, "timeouts", TYPE_TIMEOUTS, raw->timeouts, NULL, &unused);
	return r ? r : store_listeners(source, raw, config);
}

struct config *config_parse(struct config_source *source)
{
	struct raw_root *raw = config_schema_load(source);
	struct config *config;

	if (!raw)
		return NULL;
	config = config_source_alloc(source, 1, sizeof(*config));
	if (config && store_root(source, raw, config) < 0) {
		config_free(config);
		config = NULL;
	}
	config_schema_free(raw);
	return config;
}
