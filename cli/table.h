/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listings: one table of columns feeds the screen, -o, JSON, --help and the manual. The one module
 * that uses libsmartcols.
 */
#ifndef KTLSD_CLI_TABLE_H
#define KTLSD_CLI_TABLE_H

#include <stddef.h>

struct json;
struct options;

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

struct listing {
	const char *name;  /* the array's name in JSON */
	const char *empty; /* said on stderr when there is no row */
	const struct column *columns;
	size_t n_columns;
};

struct table;

/* Chooses the columns by the options; NULL after saying on stderr what is wrong. */
struct table *table_new(const struct listing *listing, const struct options *options);
void table_free(struct table *table);

#define _cleanup_table_ __attribute__((cleanup(table_cleanup)))
void table_cleanup(struct table **table);

/* Adds a row, in JSON prints it. 0, -EINVAL (a value has the wrong type: json_complaint()) or
 * -ENOMEM. */
int table_add(struct table *table, struct json *row);

/* Prints what was added: 0 or -ENOMEM. */
int table_print(struct table *table);

/* The columns for --help and, TAB-separated, for the manual. */
void table_help(const struct listing *listing);
void table_dump(const char *command, const struct listing *listing);

#endif
