/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listing of listeners, and whether those of a filter are among them. */
#include "cli/listeners.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/json_text.h"
#include "base/util.h"
#include "cli/client.h"
#include "cli/column.h"
#include "cli/table.h"
#include "cli/text.h"

static const struct column columns[] = {
	{ "listener", COLUMN_TEXT, "name", NULL, 0, COLUMN_DEFAULT, "name of the listener" },
	{ "address", COLUMN_TEXT, "address", NULL, 0, COLUMN_DEFAULT, "where it listens" },
	{ "backend", COLUMN_TEXT, "backend", NULL, 0, COLUMN_DEFAULT, "where its bytes go" },
	{ "tx", COLUMN_TEXT, "tx", NULL, 0, COLUMN_DEFAULT,
	  "policy in force for sending: off, auto, on or require" },
	{ "rx", COLUMN_TEXT, "rx", NULL, 0, COLUMN_DEFAULT, "policy in force for receiving" },
	{ "overridden", COLUMN_BOOL, "overridden", NULL, 0, COLUMN_DEFAULT,
	  "yes: by ktlsctl policy, until the next reload; no: as the configuration says" },
	{ "draining", COLUMN_BOOL, "draining", NULL, 0, COLUMN_DEFAULT | COLUMN_IF_KNOWN,
	  "yes: it takes no connections until ktlsctl drain --undo or the next reload" },
	{ "open", COLUMN_NUMBER, "connections", NULL, 0, COLUMN_DEFAULT, "connections open now" },
	{ "tx-kernel", COLUMN_NUMBER, "tx_kernel", NULL, 0, COLUMN_DEFAULT | COLUMN_IF_KNOWN,
	  "of those, with the sending side in the kernel" },
	{ "rx-kernel", COLUMN_NUMBER, "rx_kernel", NULL, 0, COLUMN_DEFAULT | COLUMN_IF_KNOWN,
	  "of those, with the receiving side in the kernel" },
	{ "accepted", COLUMN_NUMBER, "accepted", NULL, 0, COLUMN_DEFAULT,
	  "connections taken since the start" },
};

const struct listing listeners_listing = {
	.name = "listeners",
	.empty = "No listeners: ktlsd only observes.",
	.columns = columns,
	.n_columns = ARRAY_SIZE(columns),
};

int listeners_print(struct json *listeners, const struct options *options)
{
	_cleanup_table_ struct table *table = table_new(&listeners_listing, options);

	if (!table)
		return -ECANCELED;
	for (size_t i = 0; i < json_length(listeners); i++) {
		struct json *listener;
		int r = json_at(listeners, i, &listener);

		if (!r)
			r = table_add(table, listener);
		if (r)
			return r;
	}
	return table_print(table);
}

void listeners_note(const struct filter *filter, bool seen[static FILTER_TERMS_MAX],
		    const char *text, size_t len)
{
	const char *name;
	size_t name_len;

	for (size_t i = 0; i < filter->n; i++) {
		const struct filter_term *term = &filter->terms[i];

		if (term->option != OPTION_OF_LISTENER || seen[i] ||
		    json_text_find(text, len, "listener", &name, &name_len))
			continue;
		/* with its quotes */
		seen[i] = name_len == strlen(term->word) + 2 &&
			  !strncmp(name + 1, term->word, name_len - 2);
	}
}

static enum exit_code status_get(const struct options *options, struct json **status)
{
	_cleanup_free_ char *errors = NULL;
	enum exit_code code;
	size_t size;
	FILE *file = open_memstream(&errors, &size), *before = text_divert_errors(file);

	code = client_get(options, "GetStatus", NULL, CLIENT_TIMEOUT_MS, status);
	text_divert_errors(before);
	if (file)
		fclose(file);
	return code;
}

/* True also of a reply that cannot be read. */
static bool is_listener(struct json *status, const char *word)
{
	struct json *listeners, *listener;
	const char *name;

	if (json_get_array(status, "listeners", &listeners))
		return true;
	for (size_t i = 0; !json_at(listeners, i, &listener); i++)
		if (!json_get_string(listener, "name", &name) && !strcmp(name, word))
			return true;
	return false;
}

enum exit_code listeners_check(const struct options *options, const struct filter *filter,
			       const bool seen[static FILTER_TERMS_MAX])
{
	_cleanup_json_ struct json *status = NULL;

	for (size_t i = 0; i < filter->n && !options->from; i++) {
		const struct filter_term *term = &filter->terms[i];

		if (term->option != OPTION_OF_LISTENER || seen[i])
			continue;
		if (!status && status_get(options, &status) != EXIT_FINE)
			return EXIT_FINE;
		if (is_listener(status, term->word))
			continue;
		text_error("there is no listener '%s'", term->word);
		return EXIT_FAILED;
	}
	return EXIT_FINE;
}
