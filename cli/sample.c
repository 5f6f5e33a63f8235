/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads connections into an array, joins it with the one before, sorts pointers to it. */
#include "cli/sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/connections.h"
#include "cli/filter.h"
#include "cli/row.h"
#include "cli/suggest.h"
#include "cli/text.h"

static const char *const modes[SAMPLE_N_MODES] = { "user", "kernel", "device", "none" };

const char *sample_mode_name(int mode)
{
	return modes[mode];
}

static int mode_find(const char *name)
{
	int mode = 0;

	while (mode < SAMPLE_N_MODES - 1 && strcmp(modes[mode], name) != 0)
		mode++;
	return mode;
}

static void row_fill(struct sample_row *row, struct json *json)
{
	int64_t framing = row_sum(json, "framing_errors");

	row->cookie = row_int(json, NULL, "cookie");
	row->records = row_sum(json, "records");
	row->bytes = row_sum(json, row_is_ours(json) ? "bytes" : "wire_bytes");
	row->errors = row_sum(json, "errors");
	if (framing > 0)
		row->errors = framing + (row->errors > 0 ? row->errors : 0);
	row->age_ms = row_int(json, NULL, row_is_ours(json) ? "age_ms" : "since_ms");
	row->mode = mode_find(row_string(json, "tx", "mode"));
	row->records_s = row->bytes_s = -1;
	snprintf(row->owner, sizeof(row->owner), "%s", row_owner(json));
}

static int connection_take(const char *text, size_t len, void *arg)
{
	struct sample *sample = arg;
	_cleanup_json_ struct json *json = NULL;
	struct sample_row *row;
	int r = json_parse(text, len, &json, NULL, 0);

	if (r)
		return r == -EBADMSG ? -EINVAL : r;
	if (sample->n == sample->room) {
		size_t room = sample->room ? 2 * sample->room : 256;
		struct sample_row *rows = reallocarray(sample->rows, room, sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		sample->rows = rows;
		sample->room = room;
	}
	row = &sample->rows[sample->n];
	row_fill(row, json);
	row->len = len;
	row->text = strndup(text, len);
	if (!row->text)
		return -ENOMEM;
	sample->sending[row->mode]++;
	sample->n++;
	return 0;
}

static int cookie_compare(const void *a, const void *b)
{
	const struct sample_row *x = a, *y = b;

	return (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

static int64_t rate(int64_t now, int64_t before, uint64_t ns)
{
	if (now < 0 || before < 0 || now < before || !ns)
		return -1;
	return (int64_t)((double)(now - before) * 1e9 / (double)ns + 0.5);
}

/* Both are sorted. */
static void rates_fill(struct sample *sample, const struct sample *before)
{
	uint64_t ns = sample->taken_ns - before->taken_ns;
	size_t j = 0;

	for (size_t i = 0; i < sample->n; i++) {
		struct sample_row *row = &sample->rows[i];
		const struct sample_row *old;

		while (j < before->n && before->rows[j].cookie < row->cookie)
			j++;
		if (j == before->n || before->rows[j].cookie != row->cookie || row->cookie <= 0)
			continue;
		old = &before->rows[j];
		row->records_s = rate(row->records, old->records, ns);
		row->bytes_s = rate(row->bytes, old->bytes, ns);
	}
}

struct sample *sample_take(const struct options *options, const struct filter *filter,
			   const struct sample *before)
{
	struct sample *sample = calloc(1, sizeof(*sample));
	_cleanup_json_ struct json *observer = NULL;
	FILE *file, *before_file;
	size_t size;

	if (!sample)
		return NULL;
	file = open_memstream(&sample->errors, &size);
	if (!file) {
		sample_free(sample);
		return NULL;
	}
	before_file = text_divert_errors(file);
	sample->code = connections_read(options, filter, connection_take, sample, &observer);
	if (sample->code == EXIT_FINE)
		connections_note(observer);
	text_divert_errors(before_file);
	fclose(file);
	sample->taken_ns = now_ns();
	if (sample->n)
		qsort(sample->rows, sample->n, sizeof(*sample->rows), cookie_compare);
	if (before)
		rates_fill(sample, before);
	return sample;
}

void sample_free(struct sample *sample)
{
	if (!sample)
		return;
	for (size_t i = 0; i < sample->n; i++)
		free(sample->rows[i].text);
	free(sample->rows);
	free(sample->errors);
	free(sample);
}

struct json *sample_row_open(const struct sample_row *row)
{
	struct json *json = NULL;

	if (json_parse(row->text, row->len, &json, NULL, 0))
		return NULL;
	if (row->records_s >= 0)
		json_set_int(json, "records_s", row->records_s);
	if (row->bytes_s >= 0)
		json_set_int(json, "bytes_s", row->bytes_s);
	return json;
}

/* The greater number first. */
static int number_compare(int64_t x, int64_t y)
{
	return (x < y) - (x > y);
}

#define NUMBER_KEY(name, member)                                                   \
	static int by_##name(const void *a, const void *b)                         \
	{                                                                          \
		const struct sample_row *x = *(const struct sample_row *const *)a; \
		const struct sample_row *y = *(const struct sample_row *const *)b; \
		return number_compare(x->member, y->member);                       \
	}

NUMBER_KEY(bytes_s, bytes_s)
NUMBER_KEY(records_s, records_s)
NUMBER_KEY(bytes, bytes)
NUMBER_KEY(records, records)
NUMBER_KEY(errors, errors)
NUMBER_KEY(age, age_ms)
NUMBER_KEY(cookie, cookie)
NUMBER_KEY(mode, mode)

static int by_owner(const void *a, const void *b)
{
	const struct sample_row *const *x = a, *const *y = b;

	return strcmp((*x)->owner, (*y)->owner);
}

static const struct {
	const char *name;
	int (*compare)(const void *a, const void *b);
} sort_keys[] = {
	{ "bytes/s", by_bytes_s }, { "records/s", by_records_s }, { "bytes", by_bytes },
	{ "records", by_records }, { "errors", by_errors },	  { "age", by_age },
	{ "owner", by_owner },	   { "mode", by_mode },		  { "cookie", by_cookie },
};

const char *sample_key(size_t i, const void *unused)
{
	(void)unused;
	return i < ARRAY_SIZE(sort_keys) ? sort_keys[i].name : NULL;
}

static void reverse_all(const struct sample_row **rows, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		const struct sample_row *row = rows[i];

		rows[i] = rows[n - 1 - i];
		rows[n - 1 - i] = row;
	}
}

bool sample_sort(const struct sample_row **rows, size_t n, const char *key, bool reverse)
{
	for (size_t i = 0; i < ARRAY_SIZE(sort_keys); i++) {
		if (suggest_compare(key, sort_keys[i].name) != 0)
			continue;
		if (n)
			qsort(rows, n, sizeof(*rows), sort_keys[i].compare);
		if (reverse)
			reverse_all(rows, n);
		return true;
	}
	return false;
}
