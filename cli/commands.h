/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands, one file each, in the order in which --help lists them. */
#ifndef KTLSD_CLI_COMMANDS_H
#define KTLSD_CLI_COMMANDS_H

#include "cli/options.h"

extern const struct command cmd_status;
extern const struct command cmd_list;
extern const struct command cmd_show;
extern const struct command cmd_stats;
extern const struct command cmd_events;
extern const struct command cmd_observe;
extern const struct command cmd_top;
extern const struct command cmd_diagnose;
extern const struct command cmd_probe;
extern const struct command cmd_explain;
extern const struct command cmd_policy;
extern const struct command cmd_reload;
extern const struct command cmd_drain;

#endif
