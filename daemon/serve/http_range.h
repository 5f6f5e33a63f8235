/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Byte ranges of a representation (RFC 9110 14). */
#ifndef KTLSD_SERVE_HTTP_RANGE_H
#define KTLSD_SERVE_HTTP_RANGE_H

#include <stdint.h>

#include "serve/http_text.h"

/* More ranges than that are ignored: the whole representation is sent (RFC 9110 14.2). */
enum { HTTP_RANGES_MAX = 16 };

struct http_range {
	uint64_t first, len; /* bytes, len > 0 */
};

/*
 * Judges a Range field against a representation of `size` bytes. Gives the number of ranges in
 * `range`, in the order asked for; 0 when the field is to be ignored (absent, another unit, not
 * well formed, too many, ranges that overlap or descend: all of them MAY be refused or ignored; or
 * the end of what is empty, which can be satisfied but not written down); -ERANGE when none can be
 * satisfied (416). Numbers from 2^64 on are taken for 2^64 - 1.
 */
int http_range_parse(struct http_text field, uint64_t size,
		     struct http_range range[HTTP_RANGES_MAX]);

#endif
