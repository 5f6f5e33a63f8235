/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secrets of any length; those of connections are smaller and more, and live in base/keys. */
#include "host/secret.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

char *secret_new(size_t len)
{
	char *secret;

	if (len == SIZE_MAX)
		return NULL;
	secret = mmap(NULL, len + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (secret == MAP_FAILED)
		return NULL;
	/* RLIMIT_MEMLOCK may be small: unlocked keys can reach swap, but refusing would be worse. */
	(void)mlock(secret, len + 1);
	(void)madvise(secret, len + 1, MADV_DONTDUMP);
	(void)madvise(secret, len + 1, MADV_WIPEONFORK);
	return secret;
}

void secret_free(char *secret, size_t len)
{
	if (!secret)
		return;
	explicit_bzero(secret, len + 1);
	munmap(secret, len + 1);
}
