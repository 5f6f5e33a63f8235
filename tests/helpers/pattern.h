/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bodies that cross TLS in the tests: any range of them can be made anywhere, so what should
 * have arrived is known without asking the daemon. No stretch repeats, so bytes that are dropped,
 * doubled or moved by whole records or pages show in a hash.
 */
#ifndef KTLSD_TESTS_PATTERN_H
#define KTLSD_TESTS_PATTERN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Which way a body goes; the two differ, so that an echo is no answer. */
enum pattern { PATTERN_UP = 1, PATTERN_DOWN = 2 };

/* The eight bytes at 8 * index: a step of SplitMix64. */
static inline uint64_t pattern_word(enum pattern which, uint64_t index)
{
	uint64_t z = (index + 1) * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)which;

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Puts `len` bytes of that body, from `offset` on, at p. */
static inline void pattern_fill(enum pattern which, uint64_t offset, uint8_t *p, size_t len)
{
	while (len) {
		uint64_t word = pattern_word(which, offset / 8) >> offset % 8 * 8;
		size_t n = 8 - offset % 8;

		if (n > len)
			n = len;
		if (n == 8)
			memcpy(p, &word, 8); /* all tests run on little-endian machines */
		else
			for (size_t i = 0; i < n; i++)
				p[i] = (uint8_t)(word >> i * 8);
		p += n;
		offset += n;
		len -= n;
	}
}

#endif
