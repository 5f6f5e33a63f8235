/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands and their options: one table each for parsing, --help, completion and the manual. */
#ifndef KTLSD_CLI_OPTIONS_H
#define KTLSD_CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

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
	OPTION_OWNER = 1 << 13,
	OPTION_OF_LISTENER = 1 << 14,
	OPTION_MODE = 1 << 15,
	OPTION_REASON = 1 << 16,
	OPTION_STATE = 1 << 17,
	OPTION_PEER = 1 << 18,
	OPTION_LOCAL = 1 << 19,
	OPTION_PID = 1 << 20,
	OPTION_NAMESPACES = 1 << 21,
	OPTION_FOLLOW = 1 << 22,
	OPTION_COUNT = 1 << 23,
	OPTION_DELAY = 1 << 24,
	OPTION_SORT = 1 << 25,
	OPTION_BATCH = 1 << 26,
	OPTION_UNLOAD = 1 << 27,
	OPTION_PAYLOAD = 1 << 28,
	OPTION_DEVICE = 1 << 29,

	OPTION_LISTING = OPTION_COLUMNS | OPTION_JSON | OPTION_NO_HEADINGS,
	/* What a row of `list` can be chosen by. */
	OPTION_FILTERS = OPTION_OWNER | OPTION_OF_LISTENER | OPTION_MODE | OPTION_REASON |
			 OPTION_STATE | OPTION_PEER | OPTION_LOCAL | OPTION_PID,
	OPTION_EVERYWHERE = OPTION_SOCKET | OPTION_HELP,
};

enum { OPTIONS_ARGUMENTS_MAX = 64 };

struct options {
	unsigned given;	     /* bit set of OPTION_* */
	const char *socket;  /* never NULL */
	const char *columns; /* of -o, or NULL */
	const char *from;    /* or NULL */
	/* Every option that came with an argument, in the order given. */
	size_t n_arguments;
	struct {
		unsigned bit;
		const char *text;
	} arguments[OPTIONS_ARGUMENTS_MAX];
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

/* The last argument of that option, or NULL. */
const char *options_argument(const struct options *options, unsigned bit);

/* The option's argument as a number of at least 1, or *number as it was when it was not given: 0,
 * or -EINVAL after saying what is wrong. */
int options_number(const struct options *options, unsigned bit, uint64_t *number);

/* Prints the command's help on stdout. */
void options_help(const struct command *command);

/* Prints its options and columns as dump_print() says. */
void options_dump(const struct command *command);

/* What an exit code means; NULL past the last. */
const char *options_exit_meaning(int code);

#endif
