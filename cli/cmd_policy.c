/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl policy: shows and overrides which directions should be in the kernel. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/listeners.h"
#include "cli/text.h"

/* Reads "tx=auto" into the parameters: 0, or -EINVAL after saying what is wrong. */
static int assignment_take(const char *text, struct json *parameters)
{
	static const char *const directions[] = { "tx", "rx" };

	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		if (strncmp(text, directions[i], 2) != 0 || text[2] != '=')
			continue;
		if (json_has(parameters, directions[i])) {
			text_error("%s is given twice", directions[i]);
			return -EINVAL;
		}
		json_set_string(parameters, directions[i], text + 3);
		return 0;
	}
	text_error("'%s' is not tx=POLICY or rx=POLICY", text);
	return -EINVAL;
}

static enum exit_code print(const struct options *options, struct json *reply)
{
	struct json *listeners;
	int r = json_get_array(reply, "listeners", &listeners);

	if (!r)
		r = listeners_print(listeners, options);
	if (r == -ENOMEM)
		text_error("out of memory");
	if (r == -ENOENT || r == -EINVAL)
		return client_complain(options, reply);
	return r ? EXIT_FAILED : EXIT_FINE;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
	const char *listener = options_argument(options, OPTION_LISTENER);
	struct json *parameters = argc ? json_new() : NULL;
	_cleanup_json_ struct json *reply = NULL;
	enum exit_code code;
	int r = 0;

	if (listener && !argc) {
		text_error("--listener says whose policy to change: tx=POLICY or rx=POLICY is "
			   "missing");
		return EXIT_FAILED;
	}
	json_set_string(parameters, "listener", listener);
	for (int i = 0; i < argc && !r; i++)
		r = assignment_take(argv[i], parameters);
	if (r) {
		json_free(parameters);
		return EXIT_FAILED;
	}
	code = client_get(options, argc ? "SetPolicy" : "GetStatus", parameters, CLIENT_TIMEOUT_MS,
			  &reply);
	return code == EXIT_FINE ? print(options, reply) : code;
}

const struct command cmd_policy = {
	.name = "policy",
	.arguments = "[tx=POLICY] [rx=POLICY]",
	.summary = "which directions should be in the kernel: show or override",
	.about = "Without arguments, shows the policies in force. With tx= or rx=, overrides them "
		 "for new connections until the next reload: off is user space, auto the kernel "
		 "where it is proven to be safe, on also where a key update could not be "
		 "followed, require as auto or the connection is refused.",
	.options = OPTION_LISTING | OPTION_LISTENER | OPTION_FROM,
	.listing = &listeners_listing,
	.args_max = 2,
	.run = run,
};
