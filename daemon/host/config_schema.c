/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The libcyaml schema, made from the table of keys. */
#include "host/config_schema.h"

#include <cyaml/cyaml.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "host/config_key.h"
#include "host/config_source.h"

/* A key without a value is as good as absent; what is required is checked with the values. */
#define FLAGS (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER_NULL)

#define FIELD_VALUE(s, key, member, type) \
	CYAML_FIELD_STRING_PTR(key, FLAGS, struct s, member, 0, CYAML_UNLIMITED),
#define FIELD_VALUES(s, key, member, type)                                                   \
	CYAML_FIELD_SEQUENCE_COUNT(key, FLAGS, struct s, member, n_##member, &text_value, 0, \
				   CYAML_UNLIMITED),
#define FIELD_MAP(s, key, member, type) \
	CYAML_FIELD_MAPPING_PTR(key, FLAGS, struct s, member, type##_fields),
#define FIELD_MAPS(s, key, member, type)                                                       \
	CYAML_FIELD_SEQUENCE_COUNT(key, FLAGS, struct s, member, n_##member, &type##_value, 0, \
				   CYAML_UNLIMITED),

static const cyaml_schema_value_t text_value = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0,
								    CYAML_UNLIMITED) };

static const cyaml_schema_field_t LIMITS_fields[] = {
#define LIMITS(key, member, shape, type, ...) FIELD_##shape(raw_limits, key, member, type)
#include "host/config.def"
	CYAML_FIELD_END
};

static const cyaml_schema_field_t TIMEOUTS_fields[] = {
#define TIMEOUTS(key, member, shape, type, ...) FIELD_##shape(raw_timeouts, key, member, type)
#include "host/config.def"
	CYAML_FIELD_END
};

static const cyaml_schema_field_t CERTIFICATE_fields[] = {
#define CERTIFICATE(key, member, shape, type, ...) FIELD_##shape(raw_certificate, key, member, type)
#include "host/config.def"
	CYAML_FIELD_END
};

static const cyaml_schema_value_t CERTIFICATE_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct raw_certificate, CERTIFICATE_fields) };

static const cyaml_schema_field_t KEEPALIVE_fields[] = {
#define KEEPALIVE(key, member, shape, type, ...) FIELD_##shape(raw_keepalive, key, member, type)
#include "host/config.def"
	CYAML_FIELD_END
};

static const cyaml_schema_field_t FILES_fields[] = {
#define FILES(key, member, shape, type, ...) FIELD_##shape(raw_files, key, member, type)
#include "host/config.def"
	CYAML_FIELD_END
};

static const cyaml_schema_field_t KTLS_fields[] = {
#define KTLS(key, member, shape, type, ...) FIELD_##shape(raw_ktls, key, member, type)
#include "host/config.def"
	CYAML_FIELD_END
};

static const cyaml_schema_field_t LISTENER_fields[] = {
#define LISTENER(key, member, shape, type, ...) FIELD_##shape(raw_listener, key, member, type)
#include "host/config.def"
	CYAML_FIELD_END
};

static const cyaml_schema_value_t LISTENER_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct raw_listener, LISTENER_fields) };

static const cyaml_schema_field_t ROOT_fields[] = {
#define ROOT(key, member, shape, type, ...) FIELD_##shape(raw_root, key, member, type)
#include "host/config.def"
	CYAML_FIELD_END
};

static const cyaml_schema_value_t ROOT_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_POINTER_NULL, struct raw_root, ROOT_fields) };

/* What libcyaml's log says about a failure: its reason, then the way from there to the root. */
struct complaint {
	char reason[160];
	char path[256];
};

static void prepend(struct complaint *c, const char *step)
{
	char path[sizeof(c->path)];
	const char *dot = *c->path && *c->path != '[' ? "." : "";

	if ((size_t)snprintf(path, sizeof(path), "%s%s%s", step, dot, c->path) < sizeof(path))
		memcpy(c->path, path, sizeof(path));
}

/*
 * One line of the log at error level. Should a later libcyaml word its backtrace in another way,
 * errors lose their key and keep the reason; the unit test would tell.
 */
static void note(cyaml_log_t level, void *arg, const char *fmt, va_list args)
{
	struct complaint *c = arg;
	char line[160], step[80];
	unsigned entry;

	if (level < CYAML_LOG_ERROR)
		return;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "  in mapping field '%79[^']'", step) == 1) {
		prepend(c, step);
	} else if (sscanf(line, "  in sequence entry '%u'", &entry) == 1) {
		snprintf(step, sizeof(step), "[%u]", entry ? entry - 1 : 0); /* counted from 1 */
		prepend(c, step);
	} else if (!*c->reason) {
		const char *prefix = "Load: ";

		snprintf(c->reason, sizeof(c->reason), "%s",
			 line + (strncmp(line, prefix, strlen(prefix)) ? 0 : strlen(prefix)));
	}
}

static int reject_unknown(struct config_source *source, struct complaint *c)
{
	const struct config_key *parent = config_key_find(c->path);
	enum config_type map = parent ? parent->type : TYPE_ROOT;
	static const char before[] = "key: ";
	const char *key = strstr(c->reason, before);
	char known[256], path[sizeof(c->path) + sizeof(c->reason)];

	key = key ? key + strlen(before) : c->reason;
	snprintf(path, sizeof(path), "%s%s%s", c->path, *c->path ? "." : "", key);
	config_key_list(map, known, sizeof(known));
	return config_source_reject(source, path, "unknown key; the keys here are %s", known);
}

static int reject_shape(struct config_source *source, struct complaint *c)
{
	const struct config_key *key = config_key_find(c->path);
	size_t len = strlen(c->path);
	bool entry = len && c->path[len - 1] == ']'; /* the list is fine, what it holds is not */
	char keys[256] = "";

	if (!key)
		return config_source_reject(source, c->path,
					    "write the keys as a mapping, \"key: value\"");
	if (key->type >= TYPE_N_VALUES)
		config_key_list(key->type, keys, sizeof(keys));
	if (key->shape == SHAPE_MAP || (key->shape == SHAPE_MAPS && entry))
		return config_source_reject(source, c->path, "expects a mapping with the keys %s",
					    keys);
	if (key->shape == SHAPE_MAPS)
		return config_source_reject(
			source, c->path, "expects a list of mappings, each with the keys %s", keys);
	if (key->shape == SHAPE_VALUES && !entry)
		return config_source_reject(source, c->path, "expects a list, each entry %s",
					    config_type_name(key->type));
	return config_source_reject(source, c->path, "expects %s, not a list or a mapping",
				    config_type_name(key->type));
}

static int reject(struct config_source *source, cyaml_err_t err, struct complaint *c)
{
	switch (err) {
	case CYAML_ERR_OOM:
		return config_source_reject_memory(source);
	case CYAML_ERR_INVALID_KEY:
		return reject_unknown(source, c);
	case CYAML_ERR_INVALID_VALUE:
		return reject_shape(source, c);
	case CYAML_ERR_UNEXPECTED_EVENT:
		return config_source_reject(source, c->path, "given twice; keep one");
	default:
		return config_source_reject(source, c->path, "%s",
					    *c->reason ? c->reason : cyaml_strerror(err));
	}
}

static cyaml_config_t cyaml_settings(struct complaint *complaint)
{
	return (cyaml_config_t){ .log_fn = note,
				 .log_ctx = complaint,
				 .log_level = CYAML_LOG_ERROR,
				 .mem_fn = cyaml_mem,
				 .flags = CYAML_CFG_NO_ALIAS };
}

struct raw_root *config_schema_load(struct config_source *source)
{
	struct complaint complaint = { 0 };
	cyaml_config_t settings = cyaml_settings(&complaint);
	struct raw_root *root = NULL;
	cyaml_data_t *data = NULL;
	cyaml_err_t err;

	err = cyaml_load_data((const uint8_t *)source->text, source->len, &settings, &ROOT_value,
			      &data, NULL);
	if (err != CYAML_OK) {
		reject(source, err, &complaint);
		return NULL;
	}
	root = data;
	if (!root) { /* an empty file */
		root = cyaml_mem(NULL, NULL, sizeof(*root));
		if (!root) {
			config_source_reject_memory(source);
			return NULL;
		}
		memset(root, 0, sizeof(*root));
	}
	return root;
}

void config_schema_free(struct raw_root *root)
{
	struct complaint complaint = { 0 };
	cyaml_config_t settings = cyaml_settings(&complaint);

	cyaml_free(&settings, &ROOT_value, root, 0);
}
