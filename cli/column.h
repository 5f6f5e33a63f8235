/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Columns of a listing: a value of a row as people read it. */
#ifndef KTLSD_CLI_COLUMN_H
#define KTLSD_CLI_COLUMN_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/text.h"

struct json;

/* How a value is shown; JSON has it as it is. */
enum column_format {
	COLUMN_TEXT,
	COLUMN_NUMBER,
	COLUMN_SIZE, /* bytes */
	COLUMN_AGE,  /* milliseconds */
	COLUMN_BOOL,
	COLUMN_MODE,	/* text: "kernel" and "device" are good */
	COLUMN_CLASS,	/* text: of a reason */
	COLUMN_VERDICT, /* text: begins with "yes" or "no" */
};

enum {
	COLUMN_DEFAULT = 1 << 0,  /* shown without -o */
	COLUMN_IF_KNOWN = 1 << 1, /* of the default ones: left out when no row has a value */
	COLUMN_WRAP = 1 << 2,	  /* between words, to fit the terminal */
};

struct column {
	const char *name; /* for -o; headings are upper-case, JSON has '_' for '-' */
	enum column_format format;
	const char *path; /* of the value in a row: "cookie", "tx.mode" */
	/* Or a text made of the row; left empty when unknown. */
	void (*compute)(struct json *row, char *cell, size_t size);
	double width; /* hint: columns, or part of the terminal's width when below 1 */
	int flags;
	const char *help;
};

enum { COLUMN_CELL_MAX = 512 };

bool column_is_right_aligned(enum column_format format);

/* Fills the cell, "" when the value is not known: 0, or -EINVAL when it has the wrong type
 * (json_complaint()). */
int column_print(const struct column *column, struct json *row, char cell[static COLUMN_CELL_MAX]);

/* Puts the value as it is, or null, under that name. */
void column_copy(const struct column *column, struct json *row, struct json *out, const char *name);

enum style column_style(enum column_format format, const char *cell);

#endif
