/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory for secrets of any length: pages of their own, locked and left out of core dumps. */
#ifndef KTLSD_HOST_SECRET_H
#define KTLSD_HOST_SECRET_H

#include <stddef.h>

/*
 * Zeroed memory for len bytes and a NUL after them, or NULL. A forked child sees zeros. Locked
 * where RLIMIT_MEMLOCK allows. Given back with secret_free() and the same len.
 */
char *secret_new(size_t len);

/* Wipes and gives back; NULL is fine. */
void secret_free(char *secret, size_t len);

#endif
