/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of rows, for people and for JSON. */
#include "cli/column.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"

bool column_is_right_aligned(enum column_format format)
{
	return format == COLUMN_NUMBER || format == COLUMN_SIZE || format == COLUMN_AGE;
}

/* The object that holds a column's value, and its name there. NULL: absent or wrong. */
static struct json *value_find(struct json *row, const char *path, const char **key)
{
	const char *dot = strchr(path, '.');
	_cleanup_free_ char *parent = dot ? strndup(path, (size_t)(dot - path)) : NULL;
	struct json *object = row;

	*key = dot ? dot + 1 : path;
	if (dot && (!parent || json_get_object(row, parent, &object)))
		return NULL;
	return object;
}

/* A number as people read it. */
static struct text_number number_print(enum column_format format, int64_t value)
{
	struct text_number number;

	if (format == COLUMN_SIZE)
		return text_size(value);
	if (format == COLUMN_AGE)
		return text_age(value);
	snprintf(number.s, sizeof(number.s), "%" PRId64, value);
	return number;
}

int column_print(const struct column *column, struct json *row, char cell[static COLUMN_CELL_MAX])
{
	const char *key, *text = "";
	struct json *object;
	int64_t number;
	bool truth;
	int r;

	cell[0] = '\0';
	if (column->compute) {
		column->compute(row, cell, COLUMN_CELL_MAX);
		return 0;
	}
	object = value_find(row, column->path, &key);
	if (column->format == COLUMN_BOOL) {
		r = json_get_bool(object, key, &truth);
		text = r ? "" : truth ? "yes" : "no";
	} else if (column_is_right_aligned(column->format)) {
		r = json_get_int(object, key, &number);
		if (!r)
			snprintf(cell, COLUMN_CELL_MAX, "%s",
				 number_print(column->format, number).s);
		return r == -EINVAL ? r : 0;
	} else {
		r = json_get_string(object, key, &text);
	}
	snprintf(cell, COLUMN_CELL_MAX, "%s", text);
	return r == -EINVAL ? r : 0;
}

void column_copy(const struct column *column, struct json *row, struct json *out, const char *name)
{
	char cell[COLUMN_CELL_MAX] = "";
	struct json *object = NULL;
	const char *key = "";

	if (column->compute)
		column->compute(row, cell, sizeof(cell));
	else
		object = value_find(row, column->path, &key);
	if (*cell)
		json_set_string(out, name, cell);
	else
		json_set_member(out, name, object, key);
}

enum style column_style(enum column_format format, const char *cell)
{
	enum style style = STYLE_PLAIN;

	if (format == COLUMN_MODE && (!strcmp(cell, "kernel") || !strcmp(cell, "device")))
		style = STYLE_GOOD;
	else if (format == COLUMN_MODE && !strcmp(cell, "user"))
		style = STYLE_WARN;
	else if (format == COLUMN_CLASS && !strcmp(cell, "host"))
		style = STYLE_WARN;
	else if (format == COLUMN_CLASS && !strcmp(cell, "bug"))
		style = STYLE_BAD;
	else if (format == COLUMN_VERDICT && !strncmp(cell, "yes", 3))
		style = STYLE_GOOD;
	else if (format == COLUMN_VERDICT && !strncmp(cell, "no", 2))
		style = STYLE_WARN;
	return style;
}
