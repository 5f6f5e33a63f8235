/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything the tables know, for the generated documentation and for completion. */
#ifndef KTLSD_CLI_DUMP_H
#define KTLSD_CLI_DUMP_H

#include <stddef.h>

struct command;

/*
 * Prints lines of TAB-separated fields, the first of which says what the line is:
 *
 *	command  NAME ARGUMENTS SUMMARY ABOUT PROBLEMS   ("ktlsctl" is the program itself)
 *	option   COMMAND NAME LETTER ARGUMENT HELP
 *	column   COMMAND NAME "default"|"" HELP
 *	exit     CODE MEANING
 *	reason   NAME CLASS WHAT REMEDY
 *	state    NAME DEADLINE NEXT...
 *	counter  NAME TYPE UNIT HELP
 */
void dump_print(const struct command *program, const struct command *const *commands, size_t n);

#endif
