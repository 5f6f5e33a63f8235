/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listeners as `status` and `policy` list them. */
#ifndef KTLSD_CLI_LISTENERS_H
#define KTLSD_CLI_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/filter.h"
#include "cli/options.h"

#include "cli/options.h"

struct json;
struct listing;

extern const struct listing listeners_listing;

/* Prints the array of a reply: 0, -EINVAL, -ENOMEM as table_add(), or -ECANCELED after saying
 * which option was wrong. */
int listeners_print(struct json *listeners, const struct options *options);

/* Marks in seen[] the terms of a filter whose listener the text of this connection has. */
void listeners_note(const struct filter *filter, bool seen[static FILTER_TERMS_MAX],
		    const char *text, size_t len);

/* EXIT_FAILED after saying which listener of the filter ktlsd does not have, unless it was seen: one
 * that a reload took away may have connections still. Nothing is said where ktlsd cannot be asked. */
enum exit_code listeners_check(const struct options *options, const struct filter *filter,
			       const bool seen[static FILTER_TERMS_MAX]);

#endif
