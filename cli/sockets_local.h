/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel-TLS sockets, read by ktlsctl itself where no daemon is there to ask. */
#ifndef KTLSD_CLI_SOCKETS_LOCAL_H
#define KTLSD_CLI_SOCKETS_LOCAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads what an earlier ktlsd left pinned, else loads the iterators for this one time, and hands
 * over the row of each socket as its JSON, with the process that has it open; `namespaces`: also
 * those of other network namespaces. For root.
 *
 * 0, what each() returned, or -errno with *why saying what failed.
 */
int sockets_local_read(bool namespaces, int (*each)(const char *text, size_t len, void *arg),
		       void *arg, char *why, size_t why_size);

#endif
