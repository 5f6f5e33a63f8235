/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process with all that descends from it: a server's master has no connection, its workers do. */
#ifndef KTLSD_CLI_FAMILY_H
#define KTLSD_CLI_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

/* []{ pid, parent } of those that live now, by pid, without this one; the caller's. NULL when memory
 * is short or /proc cannot be read. */
struct json *family_look(int64_t pid);

/* Below, `process` is the member of host_look(). */

bool family_has(struct json *process, int64_t pid);

/* How many descend from it. */
size_t family_count(struct json *process);

/* "", " and its child 281", or " and its 12 descendants". */
void family_format(struct json *process, char *text, size_t size);

/* "280,281,290", for --pid; "280" alone where they are many. */
void family_format_pids(struct json *process, char *text, size_t size);

#endif
