/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options: the table, getopt over it, and the help that comes out of it. */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "cli/table.h"
#include "cli/text.h"

static const struct row {
	unsigned bit;
	char letter; /* 0: none */
	const char *name;
	const char *argument; /* NULL: takes none */
	const char *help;     /* NULL: hidden */
} rows[] = {
	{ OPTION_OWN, 0, "own", NULL, "only ktlsd's own connections" },
	{ OPTION_OWNER, 0, "owner", "LIST",
	  "only of these: ktlsd, other, or the name of a process" },
	{ OPTION_OF_LISTENER, 0, "listener", "LIST", "only of these listeners" },
	{ OPTION_MODE, 0, "mode", "LIST",
	  "only with a direction in one of these modes; tx:MODE or rx:MODE for one direction" },
	{ OPTION_REASON, 0, "reason", "LIST",
	  "only with one of these reasons; also tx:REASON, rx:REASON" },
	{ OPTION_STATE, 0, "state", "LIST", "only connections of ktlsd in one of these states" },
	{ OPTION_PEER, 0, "peer", "LIST",
	  "only with this other side: ADDRESS, ADDRESS:PORT, :PORT, NETWORK/BITS" },
	{ OPTION_LOCAL, 0, "local", "LIST", "only with this side, written likewise" },
	{ OPTION_PID, 0, "pid", "LIST", "only of these processes" },
	{ OPTION_NAMESPACES, 0, "all-namespaces", NULL,
	  "also what processes in other network namespaces have open" },
	{ OPTION_DEVICE, 0, "device", "NAME", "only this network device" },
	{ OPTION_FOLLOW, 'f', "follow", NULL, "go on with what happens next" },
	{ OPTION_SORT, 's', "sort", "KEY", "what comes first; a key of --help" },
	{ OPTION_BATCH, 'b', "batch", NULL,
	  "print tables one after the other, for a file or pipe" },
	{ OPTION_DELAY, 'd', "delay", "DURATION", "time from one table to the next (2s)" },
	{ OPTION_COUNT, 'n', "count", "N", "end after so many" },
	{ OPTION_PAYLOAD, 0, "payload", "on|off",
	  "count every payload byte, or no longer; costs a little per call" },
	{ OPTION_UNLOAD, 0, "unload", NULL,
	  "remove the kernel programs and all they counted, until ktlsd is started again" },
	{ OPTION_FRESH, 0, "fresh", NULL, "probe again instead of showing the last result" },
	{ OPTION_LISTENER, 0, "listener", "NAME", "change this listener instead of all" },
	{ OPTION_TIMEOUT, 0, "timeout", "DURATION",
	  "end connections that are busy after this (30s)" },
	{ OPTION_UNDO, 0, "undo", NULL, "take connections again" },
	{ OPTION_COLUMNS, 'o', "columns", "LIST",
	  "columns, comma-separated; +LIST adds to the default ones, all is all" },
	{ OPTION_JSON, 0, "json", NULL, "JSON with raw numbers, unknown values null" },
	{ OPTION_NO_HEADINGS, 0, "no-headings", NULL, "leave out the line of column names" },
	{ OPTION_FROM, 0, "from", "FILE",
	  "show recorded replies, one JSON object a line, instead of asking ktlsd" },
	{ OPTION_SOCKET, 0, "socket", "PATH", "the daemon's socket (" KTLSD_API_SOCKET ")" },
	{ OPTION_VERSION, 0, "version", NULL, "print the version and exit" },
	{ OPTION_HELP, 'h', "help", NULL, "print this help and exit" },
	{ OPTION_DUMP, 0, "dump-docs", NULL, NULL },
};

static const char *const exit_meanings[] = {
	[EXIT_FINE] = "fine",
	[EXIT_FAILED] = "wrong usage, or an error that was printed on stderr",
	[EXIT_NO_DAEMON] = "ktlsd is not running",
	[EXIT_PROBLEMS] = "done, and problems were found",
};

/* The row of what getopt gave: a letter, or 256 and the row's number. */
static const struct row *row_find(int c)
{
	size_t i = 0;

	if (c >= 256)
		return &rows[c - 256];
	while (rows[i].letter != c)
		i++;
	return &rows[i];
}

static void option_take(const struct row *row, const char *argument, struct options *options)
{
	options->given |= row->bit;
	if (row->bit == OPTION_COLUMNS)
		options->columns = argument;
	else if (row->bit == OPTION_FROM)
		options->from = argument;
	else if (row->bit == OPTION_SOCKET)
		options->socket = argument;
	if (argument) {
		options->arguments[options->n_arguments].bit = row->bit;
		options->arguments[options->n_arguments++].text = argument;
	}
}

const char *options_argument(const struct options *options, unsigned bit)
{
	for (size_t i = options->n_arguments; i-- > 0;)
		if (options->arguments[i].bit == bit)
			return options->arguments[i].text;
	return NULL;
}

int options_number(const struct options *options, unsigned bit, uint64_t *number)
{
	const char *text = options_argument(options, bit);
	char *end;

	if (!text)
		return 0;
	errno = 0;
	*number = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !errno && !*end && *number)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].bit == bit)
			text_error("--%s expects a number from 1, not '%s'", rows[i].name, text);
	return -EINVAL;
}

static const char *full_name(const struct command *command)
{
	return command->run ? command->name : "";
}

static int option_complain(const struct command *command, int result, const char *word)
{
	bool is_long = !optopt || optopt >= 256;

	if (result == ':')
		text_error("option '%s' needs an argument", word);
	else if (is_long)
		text_error("unknown or misused option '%s'", word);
	else
		text_error("unknown option '-%c'", optopt);
	fprintf(stderr, "Try 'ktlsctl %s%s--help'.\n", full_name(command), command->run ? " " : "");
	return -1;
}

int options_parse(const struct command *command, int argc, char **argv, struct options *options)
{
	struct option longs[ARRAY_SIZE(rows) + 1] = { 0 };
	unsigned bits = command->options | OPTION_EVERYWHERE;
	char shorts[2 * ARRAY_SIZE(rows) + 3];
	size_t n = 0, at = 0;
	int c;

	if (!command->run)
		shorts[at++] = '+';
	shorts[at++] = ':';
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int has_argument = rows[i].argument ? required_argument : no_argument;

		if (!(rows[i].bit & bits))
			continue;
		longs[n++] = (struct option){ rows[i].name, has_argument, NULL, 256 + (int)i };
		if (rows[i].letter)
			shorts[at++] = rows[i].letter;
		if (rows[i].letter && rows[i].argument)
			shorts[at++] = ':';
	}
	shorts[at] = '\0';
	optind = 0; /* GNU: begin anew */
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (c == '?' || c == ':')
			return option_complain(command, c, argv[optind - 1]);
		if (optarg && options->n_arguments == OPTIONS_ARGUMENTS_MAX) {
			text_error("there are too many options");
			return -1;
		}
		option_take(row_find(c), optarg, options);
	}
	return optind;
}

static void help_row(const struct row *row)
{
	char left[40];

	snprintf(left, sizeof(left), "%c%c%s--%s%s%s", row->letter ? '-' : ' ',
		 row->letter ? row->letter : ' ', row->letter ? ", " : "  ", row->name,
		 row->argument ? " " : "", row->argument ? row->argument : "");
	printf("  %-22s %s\n", left, row->help);
}

void options_help(const struct command *command)
{
	unsigned bits = command->options | OPTION_EVERYWHERE;

	printf("Usage: ktlsctl %s%s[OPTIONS]%s%s\n\n", full_name(command), command->run ? " " : "",
	       *command->arguments ? " " : "", command->arguments);
	text_paragraph(0, command->about);
	printf("\nOptions:\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].bit & bits && rows[i].help)
			help_row(&rows[i]);
	if (command->listing)
		table_help(command->listing);
	if (command->problems)
		printf("\nExit code %d: %s.\n", EXIT_PROBLEMS, command->problems);
}

void options_dump(const struct command *command)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].bit & (command->options | OPTION_EVERYWHERE) && rows[i].help)
			printf("option\t%s\t%s\t%.1s\t%s\t%s\n", command->name, rows[i].name,
			       rows[i].letter ? &rows[i].letter : "",
			       rows[i].argument ? rows[i].argument : "", rows[i].help);
	if (command->listing)
		table_dump(command->name, command->listing);
}

const char *options_exit_meaning(int code)
{
	return (size_t)code < ARRAY_SIZE(exit_meanings) ? exit_meanings[code] : NULL;
}
