/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One function a type of value; the table of keys knows the bounds. */
#include "host/config_value.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "base/value.h"
#include "host/address.h"
#include "host/config.h"
#include "host/config_source.h"
#include "serve/policy.h"

static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789._-";

int config_value_reject(const struct config_place *place, const char *fmt, ...)
{
	char path[160], message[320];
	va_list args;

	snprintf(path, sizeof(path), "%s%s%s", place->at, *place->at ? "." : "", place->key->key);
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return config_source_reject(place->source, path, "%s", message);
}

int config_value_reject_text(const struct config_place *place, const char *text)
{
	char range[160];

	config_key_format_range(place->key, range, sizeof(range));
	return config_value_reject(place, "expects %s, not '%.80s'", range, text);
}

static int store_text(const struct config_place *place, const char *text, void *target)
{
	size_t len = strlen(text);
	char **copy = target;

	if (len < place->key->min || len > place->key->max)
		return config_value_reject_text(place, text);
	*copy = config_source_copy(place->source, text);
	return *copy ? 0 : -ENOMEM;
}

static int store_name(const struct config_place *place, const char *text, void *target)
{
	if (text[strspn(text, name_bytes)])
		return config_value_reject_text(place, text);
	return store_text(place, text, target);
}

/* An absolute path for one that may be relative to the configuration file's directory. */
static char *absolute_path(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	int dir_len = slash ? (int)(slash - file) + 1 : 0;
	_cleanup_free_ char *cwd = NULL;
	char *absolute = NULL;

	if (*path == '/')
		return strdup(path);
	if (*file != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return NULL;
	}
	if (asprintf(&absolute, "%s%s%.*s%s", cwd ? cwd : "", cwd ? "/" : "", dir_len, file, path) <
	    0)
		return NULL;
	return absolute;
}

static int store_path(const struct config_place *place, const char *text, void *target)
{
	char **path = target;

	*path = absolute_path(place->source->path, text);
	if (!*path)
		return config_source_reject_memory(place->source);
	if (strlen(*path) > place->key->max)
		return config_value_reject_text(place, *path);
	return 0;
}

static int store_number(const struct config_place *place, const char *text, void *target)
{
	uint32_t *stored = target;
	uint64_t number;

	if (value_parse_number(text, &number) < 0 || number < place->key->min ||
	    number > place->key->max)
		return config_value_reject_text(place, text);
	*stored = (uint32_t)number;
	return 0;
}

static int store_workers(const struct config_place *place, const char *text, void *target)
{
	unsigned *workers = target;
	cpu_set_t cpus;

	_Static_assert(sizeof(*workers) == sizeof(uint32_t), "store_number() writes it");
	if (strcmp(text, "auto"))
		return store_number(place, text, target);
	*workers = 1;
	if (!sched_getaffinity(0, sizeof(cpus), &cpus)) /* fails beyond 1024 CPUs */
		*workers = (unsigned)CPU_COUNT(&cpus);
	return 0;
}

/* Durations count in units of `unit_ms`. */
static int store_units(const struct config_place *place, const char *text, uint32_t unit_ms,
		       uint32_t *units)
{
	uint64_t ms;

	if (value_parse_duration(text, &ms) < 0 || ms % unit_ms || ms / unit_ms < place->key->min ||
	    ms / unit_ms > place->key->max)
		return config_value_reject_text(place, text);
	*units = (uint32_t)(ms / unit_ms);
	return 0;
}

static int store_duration(const struct config_place *place, const char *text, void *target)
{
	return store_units(place, text, 1, target);
}

static int store_seconds(const struct config_place *place, const char *text, void *target)
{
	return store_units(place, text, MS_PER_S, target);
}

static int store_address(const struct config_place *place, const char *text, void *target)
{
	struct address_text parts;
	const char *why;

	if (address_split(text, &parts, &why) < 0)
		return config_value_reject(place, "the address '%.80s' %s", text, why);
	return store_text(place, text, target);
}

/* unix:PATH, unix:@NAME */
static int store_unix(const struct config_place *place, const char *path, char **absolute,
		      struct config_address *address)
{
	*absolute = *path == '@' ? strdup(path) : absolute_path(place->source->path, path);
	if (!*absolute)
		return config_source_reject_memory(place->source);
	if (!path[0] || !strcmp(path, "@") || address_unix(*absolute, address) < 0)
		return config_value_reject(
			place, "the socket '%.120s' needs a path of 1 to 107 bytes", *absolute);
	return 0;
}

static int store_backend(const struct config_place *place, const char *text, void *target)
{
	static const char tcp[] = "tcp:", local[] = "unix:";
	struct config_backend *backend = target;
	_cleanup_free_ char *path = NULL;
	struct address_text parts;
	const char *why;
	int r;

	if (!strncmp(text, tcp, strlen(tcp))) {
		backend->kind = CONFIG_BACKEND_TCP;
		if (address_split(text + strlen(tcp), &parts, &why) < 0)
			return config_value_reject(place, "the address '%.80s' %s",
						   text + strlen(tcp), why);
	} else if (!strncmp(text, local, strlen(local))) {
		backend->kind = CONFIG_BACKEND_UNIX;
		r = store_unix(place, text + strlen(local), &path, &backend->address);
		if (r < 0)
			return r;
	} else {
		return config_value_reject_text(place, text);
	}
	return store_text(place, text, &backend->text);
}

static int store_endpoint(const struct config_place *place, const char *text, void *target)
{
	static const char local[] = "unix:";
	struct config_endpoint *endpoint = target;
	_cleanup_free_ char *path = NULL;
	int r;

	if (!strcmp(text, "off"))
		return store_text(place, text, &endpoint->text);
	if (strncmp(text, local, strlen(local))) {
		endpoint->kind = CONFIG_ENDPOINT_TCP;
		return store_address(place, text, &endpoint->text);
	}
	endpoint->kind = CONFIG_ENDPOINT_UNIX;
	if (text[strlen(local)] == '@')
		return config_value_reject(
			place, "the socket '%.120s' is abstract, open to everybody", text);
	r = store_unix(place, text + strlen(local), &path, &endpoint->address);
	return r ? r : store_text(place, text, &endpoint->text);
}

static int store_policy(const struct config_place *place, const char *text, void *target)
{
	enum policy_value *policy = target;
	int value = policy_find(text);

	if (value < 0)
		return config_value_reject_text(place, text);
	*policy = (enum policy_value)value;
	return 0;
}

static int store_filename(const struct config_place *place, const char *text, void *target)
{
	if (strchr(text, '/') || !strcmp(text, ".") || !strcmp(text, ".."))
		return config_value_reject_text(place, text);
	return store_text(place, text, target);
}

static int store_switch(const struct config_place *place, const char *text, void *target)
{
	uint32_t *on = target;

	if (strcmp(text, "on") && strcmp(text, "off"))
		return config_value_reject_text(place, text);
	*on = !strcmp(text, "on");
	return 0;
}

typedef int store_function(const struct config_place *place, const char *text, void *target);

/* PROTOCOL, VERSION and SUITE stand in lists alone. */
static store_function *const functions[TYPE_N_VALUES] = {
	[TYPE_TEXT] = store_text,	  [TYPE_NAME] = store_name,
	[TYPE_PATH] = store_path,	  [TYPE_NUMBER] = store_number,
	[TYPE_WORKERS] = store_workers,	  [TYPE_DURATION] = store_duration,
	[TYPE_SECONDS] = store_seconds,	  [TYPE_ADDRESS] = store_address,
	[TYPE_BACKEND] = store_backend,	  [TYPE_POLICY] = store_policy,
	[TYPE_SWITCH] = store_switch,	  [TYPE_FILENAME] = store_filename,
	[TYPE_ENDPOINT] = store_endpoint,
};

int config_value_store(const struct config_place *place, const char *text, void *target)
{
	return functions[place->key->type](place, text, target);
}
