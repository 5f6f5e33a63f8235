/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's own counters of its TLS, of this network namespace. */
#ifndef KTLSD_HOST_TLS_STAT_H
#define KTLSD_HOST_TLS_STAT_H

#include <stddef.h>
#include <stdint.h>

struct tls_stat {
	char name[40];
	uint64_t value;
};

enum { TLS_STAT_MAX = 64 };

/* Lines of a name and a number; what is none is left out. Gives how many. */
size_t tls_stat_parse(const char *text, struct tls_stat stats[static TLS_STAT_MAX]);

/* /proc/net/tls_stat as it is now; 0 where the kernel has no TLS. */
size_t tls_stat_read(struct tls_stat stats[static TLS_STAT_MAX]);

#endif
