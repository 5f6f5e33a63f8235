/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All connections at one moment, with what they did since the moment before. */
#ifndef KTLSD_CLI_SAMPLE_H
#define KTLSD_CLI_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"

struct filter;
struct json;

/* What sorting and rates need; numbers are -1 where they are not known. */
struct sample_row {
	int64_t cookie;
	int64_t records, bytes, errors, age_ms;
	int64_t records_s, bytes_s; /* in a second */
	int mode;		    /* of tx, as sample_mode_name() knows it */
	char owner[20];
	char *text; /* its JSON; owned */
	size_t len;
};

enum { SAMPLE_N_MODES = 4 };

struct sample {
	uint64_t taken_ns;
	enum exit_code code;
	char *errors; /* what was said on stderr, "" for nothing; owned */
	size_t n, room;
	struct sample_row *rows; /* owned; sorted by cookie */
	size_t sending[SAMPLE_N_MODES];
};

/* Reads all connections; `before` may be NULL. NULL when memory is short. */
struct sample *sample_take(const struct options *options, const struct filter *filter,
			   const struct sample *before);
void sample_free(struct sample *sample);

/* "user", "kernel", "device", "none" */
const char *sample_mode_name(int mode);

/* The row as an object with rates, the caller's, or NULL. */
struct json *sample_row_open(const struct sample_row *row);

/* Sorts pointers to rows by the key of that name; false: there is none. sample_key(i) gives the
 * names, NULL after the last. */
bool sample_sort(const struct sample_row **rows, size_t n, const char *key, bool reverse);
const char *sample_key(size_t i, const void *unused);

#endif
