/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What clients send to helpers/backend.c when nobody else makes the HTTP for them. */
#ifndef KTLSD_TESTS_REQUESTS_H
#define KTLSD_TESTS_REQUESTS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "pattern.h"

/* Writes the first `len` bytes of that body: 0, or -1 with errno. */
static inline int requests_put_body(FILE *f, enum pattern which, uint64_t len)
{
	static uint8_t chunk[65536];

	for (uint64_t at = 0; at < len; at += sizeof(chunk)) {
		size_t n = len - at < sizeof(chunk) ? (size_t)(len - at) : sizeof(chunk);

		pattern_fill(which, at, chunk, n);
		if (fwrite(chunk, 1, n, f) != n)
			return -1;
	}
	return 0;
}

/* GETs of these paths, the last of which closes. As above. */
static inline int requests_get(FILE *f, char *const *paths, int n)
{
	for (int i = 0; i < n; i++)
		fprintf(f, "GET /%s HTTP/1.1\r\nHost: test\r\n%s\r\n", paths[i],
			i == n - 1 ? "Connection: close\r\n" : "");
	return fflush(f);
}

/* PUTs of bodies of these lengths, then GETs of the same, the last of which closes. As above. */
static inline int requests_put(FILE *f, char *const *lens, int n)
{
	for (int i = 0; i < n; i++) {
		fprintf(f, "PUT /body HTTP/1.1\r\nHost: test\r\nContent-Length: %s\r\n\r\n",
			lens[i]);
		if (requests_put_body(f, PATTERN_UP, strtoull(lens[i], NULL, 10)))
			return -1;
	}
	return requests_get(f, lens, n);
}

#endif
