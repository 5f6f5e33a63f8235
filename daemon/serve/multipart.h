/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The body of a response that has several ranges of a file, multipart/byteranges (RFC 9110 14.6):
 * what stands between the ranges, one after the other. Knows no file.
 */
#ifndef KTLSD_SERVE_MULTIPART_H
#define KTLSD_SERVE_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/http_range.h"
#include "serve/http_reply.h"

struct multipart {
	struct http_entity entity;
	struct http_range range[HTTP_RANGES_MAX];
	int n, next; /* next == n: the closing line; then none */
	char boundary[HTTP_BOUNDARY_MAX];
};

/* n ranges of the entity, in this order, parted by a line that nobody can guess. */
void multipart_init(struct multipart *m, const struct http_entity *e,
		    const struct http_range *range, int n);

/* Bytes of all parts, with their heads and the closing line. */
uint64_t multipart_len(const struct multipart *m);

/*
 * Writes what precedes the next range, and gives that, or NULL when it was the closing line. *len
 * is the bytes written; 0 when all was said before.
 */
const struct http_range *multipart_next(struct multipart *m, char buf[HTTP_HEAD_MAX], size_t *len);

#endif
