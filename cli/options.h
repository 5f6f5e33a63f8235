/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands and their options: one table each for parsing, --help, completion and the manual. */
#ifndef KTLSD_CLI_OPTIONS_H
#define KTLSD_CLI_OPTIONS_H

#include <stdbool.h>

struct listing;

enum exit_code { EXIT_FINE, EXIT_FAILED, EXIT_NO_DAEMON, EXIT_PROBLEMS };

/* Which options a command takes; --socket and --help are everybody's. */
enum {
	OPTION_COLUMNS = 1 << 0,
	OPTION_JSON = 1 << 1,
	OPTION_NO_HEADINGS = 1 << 2,
	OPTION_FROM = 1 << 3,
	OPTION_OWN = 1 << 4,
	OPTION_FRESH = 1 << 5,
	OPTION_LISTENER = 1 << 6,
	OPTION_VERSION = 1 << 7,
	OPTION_DUMP = 1 << 8,
	OPTION_SOCKET = 1 << 9,
	OPTION_HELP = 1 << 10,
	OPTION_TIMEOUT = 1 << 11,
	OPTION_UNDO = 1 << 12,

	OPTION_LISTING = OPTION_COLUMNS | OPTION_JSON | OPTION_NO_HEADINGS,
	OPTION_EVERYWHERE = OPTION_SOCKET | OPTION_HELP,
};

struct options {
	unsigned given;	      /* bit set of OPTION_* */
	const char *socket;   /* never NULL */
	const char *columns;  /* of -o, or NULL */
	const char *from;     /* or NULL */
	const char *listener; /* or NULL */
	const char *timeout;  /* or NULL */
};

struct command {
	const char *name;
	const char *arguments; /* of the usage line, after the options */
	const char *summary;   /* what it does, in a line */
	const char *about;     /* more, for --help */
	const char *problems;  /* when it exits with EXIT_PROBLEMS; NULL: never */
	unsigned options;
	const struct listing *listing; /* the columns of -o, or NULL */
	int args_max;
	enum exit_code (*run)(const struct options *options, int argc, char **argv);
};

/*
 * Parses the options of a command into *options, which keeps what it held. Gives the index of
 * the first argument, or -1 after saying on stderr what is wrong. For the program itself
 * (command->run is NULL) it stops at the first argument.
 */
int options_parse(const struct command *command, int argc, char **argv, struct options *options);

/* Prints the command's help on stdout. */
void options_help(const struct command *command);

/* Prints its options and columns as dump_print() says. */
void options_dump(const struct command *command);

/* What an exit code means; NULL past the last. */
const char *options_exit_meaning(int code);

#endif
