/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listeners as `status` and `policy` list them. */
#ifndef KTLSD_CLI_LISTENERS_H
#define KTLSD_CLI_LISTENERS_H

#include "cli/options.h"

struct json;
struct listing;

extern const struct listing listeners_listing;

/* Prints the array of a reply: 0, -EINVAL, -ENOMEM as table_add(), or -ECANCELED after saying
 * which option was wrong. */
int listeners_print(struct json *listeners, const struct options *options);

#endif
