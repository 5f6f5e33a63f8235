/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listings: one table of columns feeds the screen, -o, JSON, --help and the manual. The one module
 * that uses libsmartcols.
 */
#ifndef KTLSD_CLI_TABLE_H
#define KTLSD_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct column;
struct json;
struct options;

struct listing {
	const char *name;  /* the array's name in JSON */
	const char *empty; /* said on stderr when there is no row */
	bool as_it_came;   /* in JSON without -o rows are those of the API */
	const struct column *columns;
	size_t n_columns;
};

struct table;

/* Chooses the columns by the options; NULL after saying on stderr what is wrong. */
struct table *table_new(const struct listing *listing, const struct options *options);
void table_free(struct table *table);

#define _cleanup_table_ __attribute__((cleanup(table_cleanup)))
void table_cleanup(struct table **table);

/* The i-th column chosen, NULL past the last. */
const struct column *table_column(const struct table *table, size_t i);

/* Adds a row, in JSON prints it. 0, -EINVAL (a value has the wrong type: json_complaint()) or
 * -ENOMEM. */
int table_add(struct table *table, struct json *row);

/* True if rows are printed as they came, and table_add_text() will do for those that a terminal may
 * be shown so. It gives false, and prints nothing, for others: table_add() writes them anew. */
bool table_takes_text(const struct table *table);
bool table_add_text(struct table *table, const char *row, size_t len);

/* Prints what was added: 0 or -ENOMEM. */
int table_print(struct table *table);

/* The columns for --help and, TAB-separated, for the manual. */
void table_help(const struct listing *listing);
void table_dump(const char *command, const struct listing *listing);

#endif
