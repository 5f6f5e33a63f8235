/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands between wolfSSL and the allocator. */
#include <wolfssl/options.h>

#include "tls/handshake_memory.h"

#include <errno.h>
#include <stdlib.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/memory.h>

static _Thread_local bool was_short;

static void *note(void *got, size_t size)
{
	was_short |= !got && size;
	return got;
}

static void *allocate(size_t size)
{
	return note(malloc(size), size);
}

static void *reallocate(void *old, size_t size)
{
	return note(realloc(old, size), size);
}

int handshake_memory_watch(void)
{
	return wolfSSL_SetAllocators(allocate, free, reallocate) ? -EIO : 0;
}

void handshake_memory_begin(void)
{
	was_short = false;
}

void handshake_memory_miss(void)
{
	was_short = true;
}

bool handshake_memory_was_short(void)
{
	return was_short;
}
