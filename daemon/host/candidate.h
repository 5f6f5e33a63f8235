/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration that could be taken: it was read, and what the server would build of it could be
 * built here.
 */
#ifndef KTLSD_HOST_CANDIDATE_H
#define KTLSD_HOST_CANDIDATE_H

#include <stddef.h>

struct config;

/* NULL with why in `text`. Its warnings are in the log. */
struct config *candidate_load(const char *path, char *text, size_t len);

/* ktlsd --check: says on stderr what is wrong, or on stdout that nothing is. An exit status. */
int candidate_check(const char *path);

#endif
