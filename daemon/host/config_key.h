/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of the configuration's keys: what may be written where, and what it means. */
#ifndef KTLSD_HOST_CONFIG_KEY_H
#define KTLSD_HOST_CONFIG_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum config_shape { SHAPE_VALUE, SHAPE_VALUES, SHAPE_MAP, SHAPE_MAPS };

enum config_type {
	TYPE_TEXT,
	TYPE_NAME,
	TYPE_PATH,
	TYPE_NUMBER,
	TYPE_WORKERS,
	TYPE_DURATION, /* kept in ms */
	TYPE_SECONDS,  /* a duration kept in s */
	TYPE_ADDRESS,
	TYPE_BACKEND,
	TYPE_PROTOCOL,
	TYPE_VERSION,
	TYPE_SUITE,
	TYPE_POLICY,
	TYPE_FILENAME, /* a name without a slash */
	TYPE_SWITCH,   /* kept as 0 or 1 */
	TYPE_ENDPOINT,
	TYPE_N_VALUES,
	/* mappings */
	TYPE_ROOT = TYPE_N_VALUES,
	TYPE_LIMITS,
	TYPE_TIMEOUTS,
	TYPE_LISTENER,
	TYPE_CERTIFICATE,
	TYPE_KEEPALIVE,
	TYPE_FILES,
	TYPE_KTLS,
};

struct config_key {
	enum config_type map; /* the mapping it stands in */
	const char *key;
	enum config_shape shape;
	enum config_type type;
	const char *fallback; /* the default, as one would write it, or NULL */
	uint32_t min, max;    /* see config.def */
	const char *help;
	size_t raw;    /* offset of the pointer in the raw structure of the mapping */
	size_t target; /* VALUE: offset in the checked structure */
};

/* The i-th row of the table, in the order of the reference, or NULL past its end. */
const struct config_key *config_key_at(size_t i);

/* The row of a mapping's key, or NULL. */
const struct config_key *config_key_in(enum config_type map, const char *key);

/* The row of a path such as "listeners[0].ktls.tx", or NULL. */
const struct config_key *config_key_find(const char *path);

/* Writes the mapping's keys, "tx, rx", cut at size. */
void config_key_list(enum config_type map, char *buf, size_t size);

bool config_key_is_required(const struct config_key *key);

/* "a duration": what a value of that type is, for messages. */
const char *config_type_name(enum config_type type);

/*
 * Writes what the key takes in one phrase, "duration, 100ms to 10m", and false for a mapping,
 * which takes its keys.
 */
bool config_key_format_range(const struct config_key *key, char *buf, size_t size);

/* Calls `visit` for every key in the order of the reference, with its path: "listeners[].name". */
void config_key_walk(void (*visit)(const struct config_key *key, const char *path, void *arg),
		     void *arg);

/* The reference as plain text: `ktlsd --help-config`. */
void config_key_print_help(FILE *out);

#endif
