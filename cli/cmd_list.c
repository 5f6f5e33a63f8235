/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl list: every kernel-TLS socket and every connection of ktlsd, a line each. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/connections.h"
#include "cli/filter.h"
#include "cli/listeners.h"
#include "cli/table.h"
#include "cli/text.h"

struct list {
	const struct options *options;
	const struct filter *filter;
	struct table *table;
	bool seen[FILTER_TERMS_MAX]; /* listeners of the filter */
};

static int connection_take(const char *text, size_t len, void *arg)
{
	struct list *list = arg;
	_cleanup_json_ struct json *row = NULL;
	int r;

	listeners_note(list->filter, list->seen, text, len);
	if (table_takes_text(list->table) && table_add_text(list->table, text, len))
		return 0;
	r = json_parse(text, len, &row, NULL, 0);
	if (!r)
		r = table_add(list->table, row);
	if (r != -EINVAL)
		return r;
	client_complain(list->options, row);
	return -ECANCELED;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
	_cleanup_table_ struct table *table = table_new(&connections_listing, options);
	_cleanup_json_ struct json *observer = NULL;
	_cleanup_filter_ struct filter filter = { 0 };
	struct list list = { .options = options, .filter = &filter, .table = table };
	enum exit_code code;

	(void)argc, (void)argv;
	if (!table || filter_init(&filter, options))
		return EXIT_FAILED;
	code = connections_read(options, &filter, connection_take, &list, &observer);
	if (code == EXIT_FINE)
		code = listeners_check(options, &filter, list.seen);
	if (code == EXIT_FINE && table_print(table)) {
		text_error("out of memory");
		code = EXIT_FAILED;
	}
	if (code == EXIT_FINE && !(options->given & OPTION_OWN) && !filter_wants_ours_only(&filter))
		connections_note(observer);
	return code;
}

const struct command cmd_list = {
	.name = "list",
	.arguments = "",
	.summary = "connections and kernel-TLS sockets, a line each",
	.about = "Lists the connections of ktlsd and every kernel-TLS socket of this network "
		 "namespace, whoever owns it. What is not known is '-'. Options that choose take "
		 "comma-separated lists and may be repeated; with --json and without -o rows are "
		 "those of the API, unchanged. Where no ktlsd runs and --socket names none, root "
		 "sees "
		 "the kernel's sockets all the same.",
	.options = OPTION_LISTING | OPTION_FROM | OPTION_OWN | OPTION_FILTERS | OPTION_NAMESPACES,
	.listing = &connections_listing,
	.run = run,
};
