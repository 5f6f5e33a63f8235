/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl: finds the command and leaves the rest to it. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/commands.h"
#include "cli/dump.h"
#include "cli/suggest.h"
#include "cli/text.h"

enum { STDOUT_BUFFER = 64 << 10 };

static const struct command *const commands[] = {
	&cmd_status,   &cmd_list,  &cmd_show,	 &cmd_stats,  &cmd_events, &cmd_observe, &cmd_top,
	&cmd_diagnose, &cmd_probe, &cmd_explain, &cmd_policy, &cmd_reload, &cmd_drain,
};

static const struct command program = {
	.name = "ktlsctl",
	.arguments = "[COMMAND [OPTIONS] [ARGUMENTS]]",
	.summary = "what the kernel encrypts, and why not the rest",
	.about = "Shows which TLS connections the kernel encrypts, and why the others are not. "
		 "Without a command it is 'ktlsctl status'.",
	.options = OPTION_VERSION | OPTION_DUMP,
};

static const char *command_name(size_t i, const void *arg)
{
	(void)arg;
	return i < ARRAY_SIZE(commands) ? commands[i]->name : NULL;
}

static const struct command *command_find(const char *name)
{
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	near = suggest_nearest(name, command_name, NULL);
	if (near)
		text_error("there is no command '%s'; did you mean '%s'?", name, near);
	else
		text_error("there is no command '%s'; see 'ktlsctl --help'", name);
	return NULL;
}

static enum exit_code help(void)
{
	options_help(&program);
	printf("\nCommands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-9s %s\n", commands[i]->name, commands[i]->summary);
	printf("\nExit codes:\n");
	for (int code = 0; options_exit_meaning(code); code++)
		printf("  %d  %s\n", code, options_exit_meaning(code));
	printf("\n'ktlsctl COMMAND --help' says more about one, ktlsctl(1) about all.\n");
	return EXIT_FINE;
}

static enum exit_code run(const struct command *command, int argc, char **argv,
			  struct options *options)
{
	int first = options_parse(command, argc, argv, options);

	if (first < 0)
		return EXIT_FAILED;
	if (options->given & OPTION_HELP) {
		options_help(command);
		return EXIT_FINE;
	}
	if (argc - first > command->args_max) {
		text_error("'%s' is one argument too many; see 'ktlsctl %s --help'",
			   argv[first + command->args_max], command->name);
		return EXIT_FAILED;
	}
	return command->run(options, argc - first, argv + first);
}

static enum exit_code dispatch(int argc, char **argv)
{
	char status[] = "status", *no_arguments[] = { status, NULL };
	struct options options = { .socket = KTLSD_API_SOCKET };
	const struct command *command;
	int first = options_parse(&program, argc, argv, &options);

	if (first < 0)
		return EXIT_FAILED;
	if (options.given & OPTION_HELP)
		return help();
	if (options.given & OPTION_DUMP) {
		dump_print(&program, commands, ARRAY_SIZE(commands));
		return EXIT_FINE;
	}
	if (options.given & OPTION_VERSION) {
		printf("ktlsctl %s\n", KTLSD_VERSION);
		return EXIT_FINE;
	}
	if (first == argc)
		return run(&cmd_status, 1, no_arguments, &options);
	command = command_find(argv[first]);
	return command ? run(command, argc - first, argv + first, &options) : EXIT_FAILED;
}

/* What was printed may still fail to arrive, on a full disk for one. */
static enum exit_code close_stdout(enum exit_code code)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (!fclose(stdout) && !failed)
		return code;
	text_error("cannot write the output: %s", strerror(errno ? errno : EIO));
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, STDOUT_BUFFER);
	text_init();
	return (int)close_stdout(dispatch(argc, argv));
}
