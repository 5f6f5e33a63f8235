/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wolfSSL's random numbers; must know nothing of wolfSSL. */
#include "tls/random.h"

#include <errno.h>
#include <sys/random.h>

/* More than 256 bytes may come in pieces: getrandom(2). */
int ktlsd_random(unsigned char *out, unsigned int len)
{
	while (len) {
		ssize_t n = getrandom(out, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		out += n;
		len -= (unsigned int)n;
	}
	return 0;
}
