/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything the tables know. */
#include "cli/dump.h"

#include <stdio.h>

#include "base/counters.h"
#include "base/reason.h"
#include "base/state.h"
#include "cli/options.h"

static const char *const deadlines[] = {
	[DEADLINE_NONE] = "none",	[DEADLINE_HANDSHAKE] = "handshake",
	[DEADLINE_CONNECT] = "connect", [DEADLINE_IDLE] = "idle",
	[DEADLINE_DRAIN] = "drain",
};

static void command_print(const struct command *command)
{
	printf("command\t%s\t%s\t%s\t%s\t%s\n", command->name, command->arguments, command->summary,
	       command->about, command->problems ? command->problems : "");
	options_dump(command);
}

static void states_print(void)
{
	for (int i = 0; i < CONN_N_STATES; i++) {
		printf("state\t%s\t%s", state_name((enum conn_state)i),
		       deadlines[state_deadline((enum conn_state)i)]);
		for (int j = 0; j < CONN_N_STATES; j++)
			if (state_may_follow((enum conn_state)i, (enum conn_state)j))
				printf("\t%s", state_name((enum conn_state)j));
		putchar('\n');
	}
}

void dump_print(const struct command *program, const struct command *const *commands, size_t n)
{
	command_print(program);
	for (size_t i = 0; i < n; i++)
		command_print(commands[i]);
	for (int code = 0; options_exit_meaning(code); code++)
		printf("exit\t%d\t%s\n", code, options_exit_meaning(code));
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		enum reason reason = (enum reason)i;

		printf("reason\t%s\t%s\t%s\t%s\n", reason_name(reason),
		       reason_class_name(reason_class(reason)), reason_what(reason),
		       reason_remedy(reason));
	}
	states_print();
	for (int i = 0; i < COUNTER_COUNT; i++) {
		enum counter counter = (enum counter)i;

		printf("counter\t%s\t%s\t%s\t%s\n", counter_name(counter),
		       counter_type(counter) == COUNTER_TYPE_GAUGE ? "gauge" : "counter",
		       counter_unit(counter), counter_help(counter));
	}
}
