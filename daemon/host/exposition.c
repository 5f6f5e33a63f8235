/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes samples as text. */
#include "host/exposition.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

enum { ROOM_MIN = 16 * 1024 };

void exposition_init(struct exposition *x, enum exposition_format format)
{
	*x = (struct exposition){ .format = format, .last = METRIC_COUNT };
}

void exposition_fini(struct exposition *x)
{
	free(x->text);
	x->text = NULL;
}

/* ---- bytes ---- */

static bool make_room(struct exposition *x, size_t len)
{
	size_t room = x->room ? x->room : ROOM_MIN;
	char *grown;

	if (x->err || x->room - x->len >= len)
		return !x->err;
	while (room - x->len < len)
		room *= 2;
	if (room > EXPOSITION_MAX) {
		x->err = -E2BIG;
		return false;
	}
	grown = realloc(x->text, room);
	if (!grown) {
		x->err = -ENOMEM;
		return false;
	}
	x->text = grown;
	x->room = room;
	return true;
}

static void put_bytes(struct exposition *x, const char *bytes, size_t len)
{
	if (!make_room(x, len))
		return;
	memcpy(x->text + x->len, bytes, len);
	x->len += len;
}

static void put_text(struct exposition *x, const char *text)
{
	put_bytes(x, text, strlen(text));
}

/* Both formats escape backslash and newline; quotes in label values, OpenMetrics in help too. */
static void put_escaped(struct exposition *x, const char *text, bool quotes)
{
	for (; *text; text++) {
		if (*text == '\n')
			put_bytes(x, "\\n", 2);
		else if (*text == '\\' || (*text == '"' && quotes))
			put_bytes(x, (const char[]){ '\\', *text }, 2);
		else
			put_bytes(x, text, 1);
	}
}

/* ---- families ---- */

static const char *const suffixes[] = {
	[METRIC_TYPE_COUNTER] = "_total",
	[METRIC_TYPE_GAUGE] = "",
	[METRIC_TYPE_HISTOGRAM] = "",
	[METRIC_TYPE_INFO] = "_info",
};

/* OpenMetrics names a family without what its samples' names end with. */
static size_t family_len(const struct exposition *x, const struct metric_row *row)
{
	size_t len = strlen(row->name);

	return x->format == EXPOSITION_OPENMETRICS ? len - strlen(suffixes[row->type]) : len;
}

static const char *type_name(const struct exposition *x, enum metric_type type)
{
	switch (type) {
	case METRIC_TYPE_COUNTER:
		return "counter";
	case METRIC_TYPE_HISTOGRAM:
		return "histogram";
	case METRIC_TYPE_INFO:
		return x->format == EXPOSITION_OPENMETRICS ? "info" : "gauge";
	default:
		return "gauge";
	}
}

static void put_comment(struct exposition *x, const struct metric_row *row, const char *keyword,
			const char *text, bool quotes)
{
	put_text(x, "# ");
	put_text(x, keyword);
	put_text(x, " ");
	put_bytes(x, row->name, family_len(x, row));
	put_text(x, " ");
	put_escaped(x, text, quotes);
	put_text(x, "\n");
}

static void begin_family(struct exposition *x, enum metric m)
{
	const struct metric_row *row = metric_row(m);
	bool is_open = x->format == EXPOSITION_OPENMETRICS;

	if (x->last == m)
		return;
	assert(!x->begun[m]); /* its samples are torn apart */
	x->begun[m] = true;
	x->last = m;
	put_comment(x, row, "HELP", row->help, is_open);
	put_comment(x, row, "TYPE", type_name(x, row->type), false);
	if (is_open && *row->unit)
		put_comment(x, row, "UNIT", row->unit, false);
}

/* ---- samples ---- */

/* Opens the braces before the first label. */
static void put_label(struct exposition *x, bool *open, const char *name, size_t name_len,
		      const char *value)
{
	put_text(x, *open ? "," : "{");
	*open = true;
	put_bytes(x, name, name_len);
	put_text(x, "=\"");
	put_escaped(x, value, true);
	put_text(x, "\"");
}

/* The name with its labels, and `le` of a bucket if there is one. */
static void put_series(struct exposition *x, const struct metric_row *row, const char *suffix,
		       const char *const *labels, const char *le)
{
	bool open = false;
	const char *name = row->labels;

	put_text(x, row->name);
	put_text(x, suffix);
	for (size_t i = 0; *name; i++) {
		size_t len = strcspn(name, ",");

		put_label(x, &open, name, len, labels[i]);
		name += len + (name[len] == ',');
	}
	if (le)
		put_label(x, &open, "le", 2, le);
	put_text(x, open ? "} " : " ");
}

static void put_number(struct exposition *x, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.15g\n", value);
	put_text(x, text);
}

static void put_count(struct exposition *x, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 "\n", value);
	put_text(x, text);
}

void exposition_put(struct exposition *x, enum metric m, const char *const *labels, double value)
{
	begin_family(x, m);
	put_series(x, metric_row(m), "", labels, NULL);
	put_number(x, value);
}

void exposition_put_int(struct exposition *x, enum metric m, const char *const *labels,
			uint64_t value)
{
	begin_family(x, m);
	put_series(x, metric_row(m), "", labels, NULL);
	put_count(x, value);
}

/* A bound in seconds as both formats write it, so that it is one series: "0.005", "1.0". */
static void format_bound(char *text, size_t size, uint32_t ms)
{
	if (ms % MS_PER_S)
		snprintf(text, size, "%g", ms / (double)MS_PER_S);
	else
		snprintf(text, size, "%u.0", ms / MS_PER_S);
}

void exposition_put_histogram(struct exposition *x, enum metric m, const char *const *labels,
			      const struct exposition_histogram *h)
{
	const struct metric_row *row = metric_row(m);
	uint64_t below = 0;
	char le[16];

	begin_family(x, m);
	for (unsigned i = 0; i < h->n; i++) {
		below += h->counts[i];
		format_bound(le, sizeof(le), h->bounds_ms[i]);
		put_series(x, row, "_bucket", labels, le);
		put_count(x, below);
	}
	below += h->counts[h->n];
	put_series(x, row, "_bucket", labels, "+Inf");
	put_count(x, below);
	put_series(x, row, "_sum", labels, NULL);
	put_number(x, h->sum_s);
	put_series(x, row, "_count", labels, NULL);
	put_count(x, below);
}

int exposition_end(struct exposition *x)
{
	if (x->format == EXPOSITION_OPENMETRICS)
		put_text(x, "# EOF\n");
	return x->err;
}
