/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl stats: how many sockets there are of which kind, what has happened, and whether the
 * kernel's own counters say the same. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_text.h"
#include "base/util.h"
#include "cli/client.h"
#include "cli/column.h"
#include "cli/commands.h"
#include "cli/observer.h"
#include "cli/row.h"
#include "cli/table.h"
#include "cli/text.h"

static const struct column group_columns[] = {
	{ "owner", COLUMN_TEXT, "owner", NULL, 0, COLUMN_DEFAULT, "" },
	{ "direction", COLUMN_TEXT, "direction", NULL, 0, COLUMN_DEFAULT, "" },
	{ "mode", COLUMN_MODE, "mode", NULL, 0, COLUMN_DEFAULT, "" },
	{ "version", COLUMN_TEXT, "version", NULL, 0, COLUMN_DEFAULT, "" },
	{ "cipher", COLUMN_TEXT, "cipher", NULL, 0, COLUMN_DEFAULT, "" },
	{ "sockets", COLUMN_NUMBER, "sockets", NULL, 0, COLUMN_DEFAULT, "" },
	{ "records", COLUMN_NUMBER, "records", NULL, 0, COLUMN_DEFAULT, "" },
};

static void result_print(struct json *row, char *cell, size_t size)
{
	bool ok = true;

	if (!json_get_bool(row, "ok", &ok))
		snprintf(cell, size, "%s", ok ? "ok" : "failed");
}

static const struct column total_columns[] = {
	{ "event", COLUMN_TEXT, "event", NULL, 0, COLUMN_DEFAULT, "" },
	{ "result", COLUMN_TEXT, NULL, result_print, 0, COLUMN_DEFAULT, "" },
	{ "direction", COLUMN_TEXT, "direction", NULL, 0, COLUMN_DEFAULT, "" },
	{ "mode", COLUMN_MODE, "mode", NULL, 0, COLUMN_DEFAULT, "" },
	{ "version", COLUMN_TEXT, "version", NULL, 0, COLUMN_DEFAULT, "" },
	{ "cipher", COLUMN_TEXT, "cipher", NULL, 0, COLUMN_DEFAULT, "" },
	{ "count", COLUMN_NUMBER, "count", NULL, 0, COLUMN_DEFAULT, "" },
	{ "records", COLUMN_NUMBER, "records", NULL, 0, COLUMN_DEFAULT | COLUMN_IF_KNOWN, "" },
	{ "payload", COLUMN_SIZE, "payload", NULL, 0, COLUMN_DEFAULT | COLUMN_IF_KNOWN, "" },
};

/* The API leaves out a difference of 0. */
static void difference_print(struct json *row, char *cell, size_t size)
{
	int64_t ours, difference = 0;

	if (json_get_int(row, "ours", &ours))
		return;
	(void)json_get_int(row, "difference", &difference);
	snprintf(cell, size, "%" PRId64, difference);
}

static const struct column tls_stat_columns[] = {
	{ "name", COLUMN_TEXT, "name", NULL, 0, COLUMN_DEFAULT, "" },
	{ "kernel", COLUMN_NUMBER, "value", NULL, 0, COLUMN_DEFAULT, "" },
	{ "ours", COLUMN_NUMBER, "ours", NULL, 0, COLUMN_DEFAULT, "" },
	{ "difference", COLUMN_NUMBER, NULL, difference_print, 0, COLUMN_DEFAULT, "" },
};

static const struct listing groups = {
	.name = "sockets",
	.empty = "No kernel-TLS socket.",
	.columns = group_columns,
	.n_columns = ARRAY_SIZE(group_columns),
};

static const struct listing totals = {
	.name = "totals",
	.empty = "Nothing yet.",
	.columns = total_columns,
	.n_columns = ARRAY_SIZE(total_columns),
};

static const struct listing tls_stat = {
	.name = "tls_stat",
	.empty = "The kernel has no /proc/net/tls_stat: its module tls is not loaded.",
	.columns = tls_stat_columns,
	.n_columns = ARRAY_SIZE(tls_stat_columns),
};

struct total {
	char key[160];
	struct json *row;
};

static int total_compare(const void *a, const void *b)
{
	return strcmp(((const struct total *)a)->key, ((const struct total *)b)->key);
}

static void total_read(struct total *total, struct json *row)
{
	bool ok = true;

	(void)json_get_bool(row, "ok", &ok);
	total->row = row;
	snprintf(total->key, sizeof(total->key), "%s\t%s\t%d\t%s\t%s\t%s",
		 row_string(row, NULL, "direction"), row_string(row, NULL, "event"), !ok,
		 row_string(row, NULL, "mode"), row_string(row, NULL, "version"),
		 row_string(row, NULL, "cipher"));
}

/* ktlsd counts in a hash: a new array of its totals by direction, event and the rest. 0, -ENOENT,
 * -EINVAL, -ENOMEM. */
static int totals_sort(struct json *reply, struct json **sorted)
{
	_cleanup_free_ struct total *all = NULL;
	struct json *rows, *row;
	int r = json_get_array(reply, totals.name, &rows);
	size_t n = r ? 0 : json_length(rows);

	*sorted = NULL;
	if (!r && n && !(all = calloc(n, sizeof(*all))))
		r = -ENOMEM;
	for (size_t i = 0; i < n && !r; i++) {
		r = json_at(rows, i, &row);
		if (!r)
			total_read(&all[i], row);
	}
	if (r)
		return r;
	if (n)
		qsort(all, n, sizeof(*all), total_compare);
	*sorted = json_new_array();
	for (size_t i = 0; i < n; i++)
		json_append(*sorted, json_share(all[i].row));
	return 0;
}

/* Prints the reply with its totals in order, and else as it came. */
static int json_output(struct json *reply)
{
	_cleanup_free_ char *text = json_print(reply), *rows = NULL;
	_cleanup_json_ struct json *sorted = NULL;
	const char *found;
	size_t len;
	int r = text ? totals_sort(reply, &sorted) : -ENOMEM;

	if (r == -ENOENT)
		return puts(text) < 0 ? -ECANCELED : 0;
	if (r)
		return r;
	rows = json_print(sorted);
	if (!rows || json_text_find(text, strlen(text), totals.name, &found, &len))
		return -ENOMEM;
	printf("%.*s%s%s\n", (int)(found - text), text, rows, found + len);
	return 0;
}

/* 0, -EINVAL, -ENOMEM. What is empty is said on stdout, where the table would be. */
static int rows_print(struct json *reply, const struct listing *listing,
		      const struct options *options)
{
	const struct options plain = { .socket = options->socket };
	_cleanup_table_ struct table *table = table_new(listing, &plain);
	_cleanup_json_ struct json *sorted = NULL;
	struct json *rows, *row;
	int r = listing == &totals ? totals_sort(reply, &sorted) :
				     json_get_array(reply, listing->name, &rows);

	if (!table)
		return -ECANCELED;
	if (sorted)
		rows = sorted;
	if (r == -ENOENT)
		return json_complain_missing(reply, listing->name);
	for (size_t i = 0; !r && i < json_length(rows); i++) {
		r = json_at(rows, i, &row);
		if (!r)
			r = table_add(table, row);
	}
	if (!r && !json_length(rows))
		puts(listing->empty);
	else if (!r)
		r = table_print(table);
	return r;
}

static int counts_print(struct json *reply, const struct options *options)
{
	int r;

	printf("%sSOCKETS NOW%s\n", text_style(STYLE_BOLD), text_style_end());
	r = rows_print(reply, &groups, options);
	if (r)
		return r;
	text_heading("SINCE THE KERNEL PROGRAMS WERE LOADED");
	r = rows_print(reply, &totals, options);
	putchar('\n');
	return r;
}

static int screen_print(struct json *reply, const struct options *options)
{
	struct observer observer;
	int r = observer_read(&observer, reply);

	if (r)
		return r;
	r = observer.available ? counts_print(reply, options) : 0;
	if (r)
		return r;
	printf("%sTHE KERNEL'S OWN COUNTERS (/proc/net/tls_stat)%s\n", text_style(STYLE_BOLD),
	       text_style_end());
	r = rows_print(reply, &tls_stat, options);
	if (r)
		return r;
	if (observer.available)
		text_paragraph(0, "DIFFERENCE is what was counted before the programs were loaded. "
				  "The kernel counts for ktlsd's network namespace, the tables "
				  "above are of the host.");
	text_heading("OBSERVER");
	observer_print(&observer);
	return 0;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
	_cleanup_json_ struct json *reply = NULL;
	enum exit_code code;
	int r;

	(void)argc, (void)argv;
	code = client_get(options, "GetStats", NULL, CLIENT_TIMEOUT_MS, &reply);
	if (code != EXIT_FINE)
		return code;
	r = options->given & OPTION_JSON ? json_output(reply) : screen_print(reply, options);
	if (r == -ENOMEM)
		text_error("out of memory");
	if (r == -EINVAL)
		return client_complain(options, reply);
	return r ? EXIT_FAILED : EXIT_FINE;
}

const struct command cmd_stats = {
	.name = "stats",
	.arguments = "",
	.summary = "sockets and events by kind, beside the kernel's own counters",
	.about = "Counts the kernel-TLS sockets of the host by owner, direction, mode, version and "
		 "cipher, and what has happened to sockets since the kernel programs were loaded. "
		 "Beside it stand the kernel's own counters, with the difference.",
	.options = OPTION_JSON | OPTION_FROM,
	.run = run,
};
