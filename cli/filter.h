/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choosing connections by the options of OPTION_FILTERS: lists, of which one word must fit; of
 * several options all must. */
#ifndef KTLSD_CLI_FILTER_H
#define KTLSD_CLI_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/endpoint.h"
#include "cli/options.h"

struct json;

enum { FILTER_TERMS_MAX = 64 };

struct filter_term {
	unsigned option;
	const char *direction; /* "tx", "rx", or NULL for either */
	const char *word;
	struct endpoint endpoint;
	int64_t pid;
};

struct filter {
	size_t n;
	struct filter_term terms[FILTER_TERMS_MAX];
	char *words; /* owned; what the terms point into */
};

#define _cleanup_filter_ __attribute__((cleanup(filter_fini)))

/* 0, or a negative value after saying what is wrong. filter_fini() either way. */
int filter_init(struct filter *filter, const struct options *options);
void filter_fini(struct filter *filter);

bool filter_is_empty(const struct filter *filter);

/* True if nothing but ktlsd's own connections can match. */
bool filter_wants_ours_only(const struct filter *filter);

/* Judges a Connection, or an Event by what that has. */
bool filter_matches(const struct filter *filter, struct json *row);

#endif
