/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads /proc/net/tls_stat. */
#include "host/tls_stat.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

size_t tls_stat_parse(const char *text, struct tls_stat stats[static TLS_STAT_MAX])
{
	size_t n = 0;

	while (text && n < TLS_STAT_MAX) {
		n += sscanf(text, "%39[A-Za-z0-9_]%*[ \t]%" SCNu64, stats[n].name,
			    &stats[n].value) == 2;
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return n;
}

size_t tls_stat_read(struct tls_stat stats[static TLS_STAT_MAX])
{
	_cleanup_fd_ int fd = open("/proc/self/net/tls_stat", O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return tls_stat_parse(text, stats);
}
