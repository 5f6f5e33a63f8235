/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether memory was short in what this thread does for a handshake. The library's own error may
 * then be any, a missing extension of the client's for one.
 */
#ifndef KTLSD_TLS_HANDSHAKE_MEMORY_H
#define KTLSD_TLS_HANDSHAKE_MEMORY_H

#include <stdbool.h>

/* Before the library's first allocation. */
int handshake_memory_watch(void);

void handshake_memory_begin(void);
/* An allocation failed that is not the library's. */
void handshake_memory_miss(void);
/* Since handshake_memory_begin() on this thread. */
bool handshake_memory_was_short(void);

#endif
