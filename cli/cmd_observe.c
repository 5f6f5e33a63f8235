/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl observe: the kernel programs that see every kernel-TLS socket, and their switches. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/observer.h"
#include "cli/text.h"

/* Any recorded reply that has an observer will do; the last one counts. */
static int reply_take(struct json *reply, void *arg)
{
	struct json **kept = arg;

	if (!json_has(reply, "observer"))
		return json_has(reply, "connection") ? 0 : -EINVAL;
	json_free(*kept);
	*kept = json_share(reply);
	return *kept ? 0 : -ENOMEM;
}

/* The parameters of Observe, or NULL: nothing to change. -EINVAL after saying what is wrong. */
static int parameters_make(const struct options *options, struct json **parameters)
{
	const char *payload = options_argument(options, OPTION_PAYLOAD);

	*parameters = NULL;
	if (payload && options->given & OPTION_UNLOAD) {
		text_error("--unload takes no --payload");
		return -EINVAL;
	}
	if (payload && strcmp(payload, "on") != 0 && strcmp(payload, "off") != 0) {
		text_error("--payload expects on or off, not '%s'", payload);
		return -EINVAL;
	}
	if (!payload && !(options->given & OPTION_UNLOAD))
		return 0;
	*parameters = json_new();
	if (payload)
		json_set_bool(*parameters, "payload", !strcmp(payload, "on"));
	else
		json_set_bool(*parameters, "unload", true);
	return 0;
}

static enum exit_code print(const struct options *options, struct json *reply)
{
	_cleanup_json_ struct json *box = json_new();
	_cleanup_free_ char *text = NULL;
	struct observer observer;

	if (observer_read(&observer, reply))
		return client_complain(options, reply);
	if (options->given & OPTION_UNLOAD) {
		puts("The kernel programs and what they counted are gone, until ktlsd is started "
		     "again.");
		return EXIT_FINE;
	}
	if (!(options->given & OPTION_JSON)) {
		observer_print(&observer);
		return observer_has_problems(&observer) ? EXIT_PROBLEMS : EXIT_FINE;
	}
	json_set_member(box, "observer", reply, "observer");
	text = json_print(box);
	if (!text) {
		text_error("out of memory");
		return EXIT_FAILED;
	}
	puts(text);
	return observer_has_problems(&observer) ? EXIT_PROBLEMS : EXIT_FINE;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
	_cleanup_json_ struct json *reply = NULL;
	struct json *parameters;
	enum exit_code code;

	(void)argc, (void)argv;
	if (parameters_make(options, &parameters))
		return EXIT_FAILED;
	code = client_call(options, parameters ? "Observe" : "GetStatus", parameters, false,
			   parameters ? CLIENT_TIMEOUT_LONG_MS : CLIENT_TIMEOUT_MS, reply_take,
			   &reply);
	if (code == EXIT_FINE && !reply)
		return client_complain(options, NULL);
	return code == EXIT_FINE ? print(options, reply) : code;
}

const struct command cmd_observe = {
	.name = "observe",
	.arguments = "",
	.summary = "the kernel programs that see every kernel-TLS socket, and their switches",
	.about = "Shows the observer: which of its kernel programs are attached and why others are "
		 "not, since when they count, and whether they lost anything. They go on counting "
		 "while ktlsd is restarted.",
	.problems = "the observer does not work, a program is not attached, or something was lost",
	.options = OPTION_JSON | OPTION_FROM | OPTION_PAYLOAD | OPTION_UNLOAD,
	.run = run,
};
