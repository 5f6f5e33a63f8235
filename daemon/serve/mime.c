/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of media types: its text in memory, and its rows sorted by ending. */
#include "serve/mime.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "serve/http_reply.h"
#include "serve/http_text.h"

enum {
	TABLE_LEN_MAX = 1024 * 1024, /* bytes of the file; Debian's has 72 KiB */
	ENDING_MAX = 32,	     /* of a name, with its NUL */
};

struct row {
	const char *ending, *type; /* in the text */
};

struct mime {
	atomic_uint refs;
	char *text; /* the file, cut into words */
	struct row *rows;
	size_t n_rows, size_rows;
};

static const char blanks[] = " \t\r";

static bool is_type(const char *type)
{
	const char *slash = strchr(type, '/');

	return slash && strlen(type) < HTTP_TYPE_MAX &&
	       http_text_is_token((struct http_text){ type, (size_t)(slash - type) }) &&
	       http_text_is_token((struct http_text){ slash + 1, strlen(slash + 1) });
}

static void to_lower(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text |= 0x20;
}

static bool add_row(struct mime *m, const char *ending, const char *type)
{
	if (m->n_rows == m->size_rows) {
		size_t size = m->size_rows ? 2 * m->size_rows : 1024;
		struct row *rows = reallocarray(m->rows, size, sizeof(*rows));

		if (!rows)
			return false;
		m->rows = rows;
		m->size_rows = size;
	}
	m->rows[m->n_rows++] = (struct row){ ending, type };
	return true;
}

/* "type ending ending..." False when memory is short. */
static bool add_line(struct mime *m, char *line)
{
	char *rest = NULL, *type, *ending;

	line[strcspn(line, "#")] = '\0';
	type = strtok_r(line, blanks, &rest);
	if (!type || !is_type(type))
		return true;
	while ((ending = strtok_r(NULL, blanks, &rest))) {
		to_lower(ending);
		if (strlen(ending) < ENDING_MAX && !add_row(m, ending, type))
			return false;
	}
	return true;
}

/* By ending, then as they stand in the text. */
static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->ending, y->ending);

	return order ? order : (x->ending > y->ending) - (x->ending < y->ending);
}

static void sort_rows(struct mime *m)
{
	size_t kept = 0;

	if (m->n_rows)
		qsort(m->rows, m->n_rows, sizeof(*m->rows), compare_rows);
	for (size_t i = 0; i < m->n_rows; i++)
		if (!kept || strcmp(m->rows[kept - 1].ending, m->rows[i].ending))
			m->rows[kept++] = m->rows[i];
	m->n_rows = kept;
}

/* The file's text, for free(); NULL with errno. */
static char *read_table(const char *path)
{
	_cleanup_free_ char *text = malloc(TABLE_LEN_MAX + 1);
	FILE *file = text ? fopen(path, "re") : NULL;
	char *fitting;
	size_t len;
	int err;

	if (!file)
		return NULL;
	errno = 0;
	len = fread(text, 1, TABLE_LEN_MAX + 1, file);
	err = ferror(file) ? errno : len > TABLE_LEN_MAX ? EFBIG : 0;
	fclose(file);
	errno = err;
	if (err)
		return NULL;
	text[len] = '\0';
	fitting = realloc(text, len + 1);
	if (fitting)
		text = NULL;
	return fitting;
}

struct mime *mime_load(const char *path)
{
	struct mime *m = calloc(1, sizeof(*m));
	char *rest = NULL, *line;
	bool ok;

	if (!m)
		return NULL;
	m->refs = 1;
	m->text = read_table(path);
	ok = m->text;
	for (line = ok ? strtok_r(m->text, "\n", &rest) : NULL; line && ok;
	     line = strtok_r(NULL, "\n", &rest))
		ok = add_line(m, line);
	if (ok) {
		sort_rows(m);
		return m;
	}
	mime_unref(m);
	return NULL;
}

struct mime *mime_ref(struct mime *m)
{
	if (m)
		atomic_fetch_add(&m->refs, 1);
	return m;
}

void mime_unref(struct mime *m)
{
	int err = errno;

	if (!m || atomic_fetch_sub(&m->refs, 1) != 1)
		return;
	free(m->rows);
	free(m->text);
	free(m);
	errno = err;
}

static int compare_ending(const void *key, const void *element)
{
	return strcmp(key, ((const struct row *)element)->ending);
}

const char *mime_find(const struct mime *m, const char *name)
{
	const char *dot = strrchr(name, '.');
	char ending[ENDING_MAX];
	const struct row *row;

	if (!m || !m->n_rows || !dot || strlen(dot + 1) >= sizeof(ending))
		return MIME_UNKNOWN;
	strcpy(ending, dot + 1);
	to_lower(ending);
	row = bsearch(ending, m->rows, m->n_rows, sizeof(*m->rows), compare_ending);
	return row ? row->type : MIME_UNKNOWN;
}
