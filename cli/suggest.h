/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a mistyped word may have meant. */
#ifndef KTLSD_CLI_SUGGEST_H
#define KTLSD_CLI_SUGGEST_H

#include <stddef.h>

/* Compares as people type: case does not matter, '_' and ' ' are '-'. */
int suggest_compare(const char *a, const char *b);

/*
 * The candidate nearest to `word`: begun by it, or at most a third of its letters wrong, swapped,
 * missing or too many. NULL when none is near. candidate(i) gives NULL after the last.
 */
const char *suggest_nearest(const char *word, const char *(*candidate)(size_t i, const void *arg),
			    const void *arg);

#endif
