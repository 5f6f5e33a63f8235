/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listings, printed by libsmartcols or as JSON. */
#include "cli/table.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/column.h"
#include "cli/options.h"
#include "cli/suggest.h"
#include "cli/text.h"

enum { COLUMNS_MAX = 96, NAME_MAX_LEN = 32 };

struct table {
	const struct listing *listing; /* the caller's */
	bool json;
	bool chosen; /* columns were given by -o */
	bool headings;
	size_t n_rows;
	size_t n;		       /* columns shown */
	size_t at[COLUMNS_MAX];	       /* their indices in the listing */
	bool known[COLUMNS_MAX];       /* some row has a value there */
	struct libscols_table *screen; /* owned; NULL in JSON */
};

static const struct column *column_at(const struct table *table, size_t i)
{
	return &table->listing->columns[table->at[i]];
}

const struct column *table_column(const struct table *table, size_t i)
{
	return i < table->n ? column_at(table, i) : NULL;
}

static void choose(struct table *table, size_t index)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->at[i] == index)
			return;
	table->at[table->n++] = index;
}

static void choose_flagged(struct table *table, int flags)
{
	for (size_t i = 0; i < table->listing->n_columns; i++)
		if ((table->listing->columns[i].flags & flags) == flags)
			choose(table, i);
}

static const char *column_name(size_t i, const void *arg)
{
	const struct listing *listing = arg;

	return i < listing->n_columns ? listing->columns[i].name : NULL;
}

static int choose_named(struct table *table, const char *name)
{
	const struct listing *listing = table->listing;
	const char *near;

	for (size_t i = 0; i < listing->n_columns; i++) {
		if (!suggest_compare(name, listing->columns[i].name)) {
			choose(table, i);
			return 0;
		}
	}
	near = suggest_nearest(name, column_name, listing);
	if (near)
		text_error("there is no column '%s'; did you mean '%s'?", name, near);
	else
		text_error("there is no column '%s'; --help lists them", name);
	return -EINVAL;
}

/* Reads what follows -o. */
static int choose_list(struct table *table, const char *list)
{
	_cleanup_free_ char *copy = strdup(*list == '+' ? list + 1 : list);
	char *rest = copy, *name;

	if (!copy)
		return -ENOMEM;
	if (*list == '+')
		choose_flagged(table, COLUMN_DEFAULT);
	while ((name = strsep(&rest, ","))) {
		if (!strcmp(name, "all"))
			choose_flagged(table, 0);
		else if (choose_named(table, name))
			return -EINVAL;
	}
	return 0;
}

/* The heading, or for JSON the member's name. */
static void name_print(char *out, const char *name, bool json)
{
	size_t i = 0;

	for (; name[i] && i + 1 < NAME_MAX_LEN; i++)
		out[i] = json && name[i] == '-' ? '_' :
			 json			? name[i] :
						  (char)toupper((unsigned char)name[i]);
	out[i] = '\0';
}

/* libsmartcols wraps in the middle of words unless it is told where a cell may break. */
static size_t wrap_size(const struct libscols_column *column, const char *data, void *arg)
{
	(void)column, (void)arg;
	return strlen(data);
}

/* Ends the first line of the cell at a space, and gives what follows; NULL: it fits. */
static char *wrap_next(const struct libscols_column *column, char *data, void *arg)
{
	size_t width = scols_column_get_width(column);
	char *end;

	(void)arg;
	if (strlen(data) <= width)
		return NULL;
	end = memrchr(data, ' ', width + 1);
	if (!end)
		end = strchr(data, ' ');
	if (!end)
		return NULL;
	*end = '\0';
	return end + 1;
}

/*
 * What is piped into a file has no width to be wrapped to, and columns without headings are as
 * wide as their cells: libsmartcols says so too, but in some versions only.
 */
static int screen_open(struct table *table)
{
	bool wraps = isatty(STDOUT_FILENO);

	table->screen = scols_new_table();
	if (!table->screen || scols_table_enable_colors(table->screen, text_has_colours()) ||
	    scols_table_enable_noheadings(table->screen, !table->headings))
		return -ENOMEM;
	for (size_t i = 0; i < table->n; i++) {
		const struct column *column = column_at(table, i);
		int flags = (wraps && column->flags & COLUMN_WRAP ? SCOLS_FL_WRAP : 0) |
			    (column_is_right_aligned(column->format) ? SCOLS_FL_RIGHT : 0);
		char heading[NAME_MAX_LEN] = "";
		struct libscols_column *made;

		if (table->headings)
			name_print(heading, column->name, false);
		made = scols_table_new_column(table->screen, heading, column->width, flags);
		if (!made)
			return -ENOMEM;
		if (flags & SCOLS_FL_WRAP &&
		    scols_column_set_wrapfunc(made, wrap_size, wrap_next, NULL))
			return -ENOMEM;
	}
	return 0;
}

struct table *table_new(const struct listing *listing, const struct options *options)
{
	_cleanup_table_ struct table *table = calloc(1, sizeof(*table));
	struct table *made;
	int r = 0;

	if (table) {
		table->listing = listing;
		table->json = options->given & OPTION_JSON;
		table->headings = !(options->given & OPTION_NO_HEADINGS);
		table->chosen = options->columns;
		if (options->columns)
			r = choose_list(table, options->columns);
		else
			choose_flagged(table, table->json ? 0 : COLUMN_DEFAULT);
	}
	if (table && !r && !table->json)
		r = screen_open(table);
	if (!table || r == -ENOMEM)
		text_error("out of memory");
	if (!table || r)
		return NULL;
	made = table;
	table = NULL;
	return made;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	scols_unref_table(table->screen);
	free(table);
}

void table_cleanup(struct table **table)
{
	table_free(*table);
}

static int screen_add(struct table *table, struct json *row)
{
	struct libscols_line *line = scols_table_new_line(table->screen, NULL);
	char cell[COLUMN_CELL_MAX];

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < table->n; i++) {
		const struct column *column = column_at(table, i);
		const char *style;
		int r = column_print(column, row, cell);

		if (r)
			return r;
		if (scols_line_set_data(line, i, *cell ? cell : "-"))
			return -ENOMEM;
		table->known[i] |= *cell != '\0';
		style = text_style(column_style(column->format, cell));
		if (*style && scols_cell_set_color(scols_line_get_cell(line, i), style))
			return -ENOMEM;
	}
	return 0;
}

static void row_print(const struct table *table, const char *text, size_t len)
{
	if (!table->n_rows)
		printf("{\"%s\":[\n", table->listing->name);
	else
		fputs(",\n", stdout);
	fwrite(text, 1, len, stdout);
}

static int json_add(struct table *table, struct json *row)
{
	_cleanup_json_ struct json *out = json_new();
	_cleanup_free_ char *text = NULL;
	char cell[COLUMN_CELL_MAX], name[NAME_MAX_LEN];

	for (size_t i = 0; i < table->n && !table_takes_text(table); i++) {
		const struct column *column = column_at(table, i);
		int r = column_print(column, row, cell);

		if (r)
			return r;
		name_print(name, column->name, true);
		column_copy(column, row, out, name);
	}
	text = json_print(table_takes_text(table) ? row : out);
	if (!text)
		return -ENOMEM;
	row_print(table, text, strlen(text));
	return 0;
}

bool table_takes_text(const struct table *table)
{
	return table->json && !table->chosen && table->listing->as_it_came;
}

bool table_add_text(struct table *table, const char *row, size_t len)
{
	if (!text_is_plain(row, len))
		return false;
	row_print(table, row, len);
	table->n_rows++;
	return true;
}

int table_add(struct table *table, struct json *row)
{
	int r = table->json ? json_add(table, row) : screen_add(table, row);

	if (!r)
		table->n_rows++;
	return r;
}

int table_print(struct table *table)
{
	if (table->json && !table->n_rows)
		printf("{\"%s\":[]}\n", table->listing->name);
	else if (table->json)
		printf("\n]}\n");
	if (table->json)
		return 0;
	if (!table->n_rows) {
		if (table->headings)
			fprintf(stderr, "%s\n", table->listing->empty);
		return 0;
	}
	for (size_t i = 0; i < table->n; i++) {
		struct libscols_column *column = scols_table_get_column(table->screen, i);

		if (!table->chosen && !table->known[i] &&
		    column_at(table, i)->flags & COLUMN_IF_KNOWN)
			scols_column_set_flags(column, SCOLS_FL_HIDDEN);
	}
	return scols_print_table(table->screen) ? -ENOMEM : 0;
}

void table_help(const struct listing *listing)
{
	char heading[NAME_MAX_LEN];

	printf("\nColumns (* shown by default):\n");
	for (size_t i = 0; i < listing->n_columns; i++) {
		const struct column *column = &listing->columns[i];

		name_print(heading, column->name, false);
		printf("%c %-14s %s\n", column->flags & COLUMN_DEFAULT ? '*' : ' ', heading,
		       column->help);
	}
}

void table_dump(const char *command, const struct listing *listing)
{
	for (size_t i = 0; i < listing->n_columns; i++)
		printf("column\t%s\t%s\t%s\t%s\n", command, listing->columns[i].name,
		       listing->columns[i].flags & COLUMN_DEFAULT ? "default" : "",
		       listing->columns[i].help);
}
