/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl reload: makes ktlsd read its configuration again. */
#include <stdio.h>

#include "base/json.h"
#include "cli/client.h"
#include "cli/commands.h"

static enum exit_code run(const struct options *options, int argc, char **argv)
{
	_cleanup_json_ struct json *reply = NULL;
	enum exit_code code;

	(void)argc, (void)argv;
	code = client_get(options, "Reload", NULL, CLIENT_TIMEOUT_LONG_MS, &reply);
	if (code == EXIT_FINE)
		puts("The new configuration is in force.");
	return code;
}

const struct command cmd_reload = {
	.name = "reload",
	.arguments = "",
	.summary = "take the configuration file anew, if it is right",
	.about = "Makes ktlsd read and check its configuration, and swap it in when it is right; "
		 "else says what is wrong, and the old one stays. Policies that were overridden "
		 "are the file's again.",
	.run = run,
};
