/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a mistyped word may have meant: edit distance over a short list. */
#include "cli/suggest.h"

#include <ctype.h>
#include <string.h>

#include "base/util.h"

enum { WORD_MAX = 48 };

static int folded(char c)
{
	return c == '_' || c == ' ' ? '-' : tolower((unsigned char)c);
}

int suggest_compare(const char *a, const char *b)
{
	while (*a && folded(*a) == folded(*b)) {
		a++;
		b++;
	}
	return folded(*a) - folded(*b);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	return MIN_OF(MIN_OF(a, b), c);
}

/* Letters changed, added, left out, or swapped with their neighbour. */
static unsigned distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];

	if (n > WORD_MAX || m > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			int x = folded(a[i - 1]), y = folded(b[j - 1]);

			d[i][j] =
				min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (x != y));
			if (i > 1 && j > 1 && x == folded(b[j - 2]) && y == folded(a[i - 2]))
				d[i][j] = MIN_OF(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[n][m];
}

static int begins_with(const char *text, const char *start)
{
	while (*start && folded(*text) == folded(*start)) {
		text++;
		start++;
	}
	return !*start;
}

const char *suggest_nearest(const char *word, const char *(*candidate)(size_t i, const void *arg),
			    const void *arg)
{
	unsigned best = (unsigned)strlen(word) / 3 + 1;
	const char *nearest = NULL, *name;

	if (!*word)
		return NULL;
	for (size_t i = 0; (name = candidate(i, arg)); i++) {
		unsigned n = begins_with(name, word) ? 0 : distance(word, name);

		if (n < best) {
			best = n;
			nearest = name;
		}
	}
	return nearest;
}
