/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of the configuration's keys, its lookups and its plain-text form. */
#include "host/config_key.h"

#include <inttypes.h>
#include <string.h>

#include "base/util.h"
#include "base/value.h"
#include "host/config.h"
#include "host/config_schema.h"

#define ROW(map_, raw_, target_, key_, member_, shape_, type_, place_, fallback_, min_, max_, \
	    help_)                                                                            \
	{ .map = map_,                                                                        \
	  .key = key_,                                                                        \
	  .shape = SHAPE_##shape_,                                                            \
	  .type = TYPE_##type_,                                                               \
	  .fallback = fallback_,                                                              \
	  .min = min_,                                                                        \
	  .max = max_,                                                                        \
	  .help = help_,                                                                      \
	  .raw = offsetof(struct raw_, member_),                                              \
	  .target = offsetof(struct target_, place_) },

static const struct config_key rows[] = {
#define ROOT(...) ROW(TYPE_ROOT, raw_root, config, __VA_ARGS__)
#define LIMITS(...) ROW(TYPE_LIMITS, raw_limits, config_limits, __VA_ARGS__)
#define TIMEOUTS(...) ROW(TYPE_TIMEOUTS, raw_timeouts, config_timeouts, __VA_ARGS__)
#define LISTENER(...) ROW(TYPE_LISTENER, raw_listener, config_listener, __VA_ARGS__)
#define CERTIFICATE(...) ROW(TYPE_CERTIFICATE, raw_certificate, config_certificate, __VA_ARGS__)
#define KEEPALIVE(...) ROW(TYPE_KEEPALIVE, raw_keepalive, config_keepalive, __VA_ARGS__)
#define FILES(...) ROW(TYPE_FILES, raw_files, config_files, __VA_ARGS__)
#define KTLS(...) ROW(TYPE_KTLS, raw_ktls, policy, __VA_ARGS__)
#include "host/config.def"
};

static const char *const type_names[] = {
	[TYPE_TEXT] = "a text",
	[TYPE_NAME] = "a name of letters, digits, '.', '_' and '-'",
	[TYPE_PATH] = "a path",
	[TYPE_NUMBER] = "a number",
	[TYPE_WORKERS] = "a number or auto",
	[TYPE_DURATION] = "a duration",
	[TYPE_SECONDS] = "a duration in whole seconds",
	[TYPE_ADDRESS] = "an address with a port",
	[TYPE_BACKEND] = "tcp:HOST:PORT, unix:PATH or unix:@NAME",
	[TYPE_PROTOCOL] = "an ALPN protocol name",
	[TYPE_VERSION] = "1.2 or 1.3",
	[TYPE_SUITE] = "a cipher suite's IANA name",
	[TYPE_POLICY] = "off, auto, on or require",
	[TYPE_FILENAME] = "a file name",
	[TYPE_SWITCH] = "on or off",
	[TYPE_ENDPOINT] = "an address with a port, unix:PATH or off",
};

const struct config_key *config_key_at(size_t i)
{
	return i < ARRAY_SIZE(rows) ? &rows[i] : NULL;
}

static const struct config_key *find(enum config_type map, const char *key, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].map == map && !strncmp(rows[i].key, key, len) && !rows[i].key[len])
			return &rows[i];
	return NULL;
}

const struct config_key *config_key_in(enum config_type map, const char *key)
{
	return find(map, key, strlen(key));
}

const struct config_key *config_key_find(const char *path)
{
	const struct config_key *key = NULL;
	enum config_type map = TYPE_ROOT;

	while (*path) {
		size_t len = strcspn(path, ".[");

		key = find(map, path, len);
		if (!key)
			return NULL;
		map = key->type;
		path += len;
		path += strcspn(path, "."); /* [0] */
		path += *path == '.';
	}
	return key;
}

void config_key_list(enum config_type map, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(rows) && len < size; i++)
		if (rows[i].map == map)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "",
						rows[i].key);
}

bool config_key_is_required(const struct config_key *key)
{
	return key->min && !key->fallback;
}

const char *config_type_name(enum config_type type)
{
	return type < TYPE_N_VALUES ? type_names[type] : "a mapping";
}

static void format_bounds(const struct config_key *key, char *buf, size_t size)
{
	unsigned unit = key->type == TYPE_SECONDS ? MS_PER_S : 1;
	char min[24], max[24];

	switch (key->type) {
	case TYPE_DURATION:
	case TYPE_SECONDS:
		value_format_duration((uint64_t)key->min * unit, min, sizeof(min));
		value_format_duration((uint64_t)key->max * unit, max, sizeof(max));
		snprintf(buf, size, ", %s to %s", min, max);
		break;
	case TYPE_NUMBER:
	case TYPE_WORKERS:
		snprintf(buf, size, ", %" PRIu32 " to %" PRIu32, key->min, key->max);
		break;
	case TYPE_TEXT:
	case TYPE_NAME:
	case TYPE_PATH:
	case TYPE_FILENAME:
		snprintf(buf, size, ", up to %" PRIu32 " bytes", key->max);
		break;
	default:
		buf[0] = '\0'; /* the type says it */
	}
}

bool config_key_format_range(const struct config_key *key, char *buf, size_t size)
{
	char bounds[64];

	switch (key->shape) {
	case SHAPE_VALUE:
		format_bounds(key, bounds, sizeof(bounds));
		snprintf(buf, size, "%s%s", config_type_name(key->type), bounds);
		return true;
	case SHAPE_VALUES:
		snprintf(buf, size, "a list of up to %" PRIu32 ", each %s", key->max,
			 config_type_name(key->type));
		return true;
	case SHAPE_MAPS:
		snprintf(buf, size, "a list of up to %" PRIu32 " mappings", key->max);
		return true;
	case SHAPE_MAP:
		break;
	}
	return false;
}

struct walk {
	void (*visit)(const struct config_key *key, const char *path, void *arg);
	void *arg;
};

static void walk_map(const struct walk *walk, enum config_type map, const char *prefix)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct config_key *key = &rows[i];
		char path[128];

		if (key->map != map)
			continue;
		snprintf(path, sizeof(path), "%s%s", prefix, key->key);
		walk->visit(key, path, walk->arg);
		if (key->shape == SHAPE_VALUE || key->shape == SHAPE_VALUES)
			continue;
		snprintf(path, sizeof(path), "%s%s%s", prefix, key->key,
			 key->shape == SHAPE_MAPS ? "[]." : ".");
		walk_map(walk, key->type, path); /* as deep as the schema: 3 */
	}
}

void config_key_walk(void (*visit)(const struct config_key *key, const char *path, void *arg),
		     void *arg)
{
	walk_map(&(struct walk){ visit, arg }, TYPE_ROOT, "");
}

static void print_help(const struct config_key *key, const char *path, void *arg)
{
	FILE *out = arg;
	char range[128];

	fprintf(out, "%s", path);
	if (config_key_format_range(key, range, sizeof(range)))
		fprintf(out, ": %s", range);
	if (key->fallback)
		fprintf(out, " (default %s)", key->fallback);
	else if (config_key_is_required(key))
		fprintf(out, " (required)");
	fprintf(out, "\n    %s\n", key->help);
}

void config_key_print_help(FILE *out)
{
	config_key_walk(print_help, out);
}
