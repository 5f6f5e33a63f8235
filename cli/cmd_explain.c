/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl explain: what a reason means and what to do. Asks no daemon. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/reason.h"
#include "base/util.h"
#include "cli/column.h"
#include "cli/commands.h"
#include "cli/suggest.h"
#include "cli/table.h"
#include "cli/text.h"

static const struct column columns[] = {
	{ "reason", COLUMN_TEXT, "reason", NULL, 0, COLUMN_DEFAULT,
	  "the reason, as logs, metrics and the API say it" },
	{ "class", COLUMN_CLASS, "class", NULL, 0, COLUMN_DEFAULT,
	  "whose doing it is: ok nobody's, peer the client's, host this host's, bug ktlsd's" },
	{ "what", COLUMN_TEXT, "what", NULL, 0.6, COLUMN_DEFAULT | COLUMN_WRAP, "what happened" },
	{ "remedy", COLUMN_TEXT, "remedy", NULL, 0.4, COLUMN_WRAP, "what to do about it" },
};

static const struct listing reasons = {
	.name = "reasons",
	.empty = "No reasons.",
	.columns = columns,
	.n_columns = ARRAY_SIZE(columns),
};

static const char *const class_texts[] = {
	[REASON_CLASS_OK] = "nothing to repair",
	[REASON_CLASS_PEER] = "the client or its network did it",
	[REASON_CLASS_HOST] = "this host, its kernel, its configuration or the backend did it",
	[REASON_CLASS_BUG] = "ktlsd itself is wrong",
};

static int add(struct table *table, enum reason reason)
{
	_cleanup_json_ struct json *row = json_new();

	json_set_string(row, "reason", reason_name(reason));
	json_set_string(row, "class", reason_class_name(reason_class(reason)));
	json_set_string(row, "what", reason_what(reason));
	json_set_string(row, "remedy", reason_remedy(reason));
	return json_failed(row) ? -ENOMEM : table_add(table, row);
}

/* A table of one reason, or of all of them (REASON_NONE). */
static enum exit_code listing_print(const struct options *options, enum reason only)
{
	_cleanup_table_ struct table *table = table_new(&reasons, options);
	int r = 0;

	if (!table)
		return EXIT_FAILED;
	for (int i = REASON_NONE + 1; i < REASON_COUNT && !r; i++)
		if (!only || only == (enum reason)i)
			r = add(table, (enum reason)i);
	if (!r)
		r = table_print(table);
	if (r)
		text_error("out of memory");
	return r ? EXIT_FAILED : EXIT_FINE;
}

static void full_print(enum reason reason)
{
	enum reason_class class = reason_class(reason);

	printf("%s%s%s (class %s: %s)\n", text_style(STYLE_BOLD), reason_name(reason),
	       text_style_end(), reason_class_name(class), class_texts[class]);
	text_heading("What happened");
	text_paragraph(2, reason_what(reason));
	text_heading("What to do");
	text_paragraph(2, reason_remedy(reason));
}

static const char *reason_at(size_t i, const void *arg)
{
	(void)arg;
	return i + 1 < REASON_COUNT ? reason_name((enum reason)(i + 1)) : NULL;
}

/* The reason of that name, typed as loosely as KTLS_NO_ULP; says what may be meant otherwise. */
static enum reason reason_lookup(const char *word)
{
	const char *near;

	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (!suggest_compare(word, reason_name((enum reason)i)))
			return (enum reason)i;
	near = suggest_nearest(word, reason_at, NULL);
	if (near)
		text_error("there is no reason '%s'; did you mean '%s'?", word, near);
	else
		text_error("there is no reason '%s'; 'ktlsctl explain' lists all", word);
	return REASON_NONE;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
	enum reason reason;

	if (!argc)
		return listing_print(options, REASON_NONE);
	reason = reason_lookup(argv[0]);
	if (!reason)
		return EXIT_FAILED;
	if (options->given & OPTION_LISTING)
		return listing_print(options, reason);
	full_print(reason);
	return EXIT_FINE;
}

const struct command cmd_explain = {
	.name = "explain",
	.arguments = "[REASON]",
	.summary = "what a reason means and what to do about it",
	.about = "Explains one reason in full, or lists them all. It needs no daemon.",
	.options = OPTION_LISTING,
	.listing = &reasons,
	.args_max = 1,
	.run = run,
};
