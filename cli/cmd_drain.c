/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl drain: takes a listener out of service without cutting anything off, and waits for it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/util.h"
#include "base/value.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/text.h"

struct drain {
	bool is_terminal; /* stderr: shows how it goes */
	bool wrote;	  /* on the line of the terminal */
	size_t n_listeners;
	bool draining; /* of any listener */
	int64_t left, cut;
};

static int listeners_read(struct json *reply, struct drain *d)
{
	struct json *listeners, *listener;
	int r = json_get_array(reply, "listeners", &listeners);

	d->draining = false;
	d->n_listeners = r ? 0 : json_length(listeners);
	for (size_t i = 0; !r && i < d->n_listeners; i++) {
		bool one = false;

		r = json_at(listeners, i, &listener);
		if (!r)
			r = json_get_bool(listener, "draining", &one);
		d->draining |= one;
	}
	return r;
}

static int missing_is_wrong(struct json *reply, const char *key, int r)
{
	return r == -ENOENT ? json_complain_missing(reply, key) : r;
}

static void progress_clear(struct drain *d)
{
	if (d->wrote)
		fprintf(stderr, "\r\033[K");
	d->wrote = false;
}

/* One reply: the last one says how it ended. */
static int take(struct json *reply, void *arg)
{
	struct drain *d = arg;
	int r = missing_is_wrong(reply, "left", json_get_int(reply, "left", &d->left));

	if (!r)
		r = missing_is_wrong(reply, "cut", json_get_int(reply, "cut", &d->cut));
	if (!r)
		r = missing_is_wrong(reply, "listeners", listeners_read(reply, d));
	if (r || !d->is_terminal)
		return r;
	progress_clear(d);
	fprintf(stderr, "%s left", text_plural(d->left, "connection").s);
	fflush(stderr);
	d->wrote = true;
	return 0;
}

static enum exit_code outcome_print(const struct drain *d)
{
	if (!d->n_listeners) {
		puts("No listeners: ktlsd only observes.");
		return EXIT_FINE;
	}
	if (!d->draining) {
		text_error("the drain was undone with %s left",
			   text_plural(d->left, "connection").s);
		return EXIT_FAILED;
	}
	if (d->cut) {
		printf("Drained: no connection is left, but %s had not finished in time.\n",
		       text_plural(d->cut, "connection").s);
		return EXIT_PROBLEMS;
	}
	puts("Drained: no connection is left.");
	return EXIT_FINE;
}

/* The parameters of the call, or NULL after saying what is wrong. */
static struct json *parameters_new(const struct options *options, const char *listener)
{
	const char *timeout = options_argument(options, OPTION_TIMEOUT);
	struct json *parameters;
	uint64_t ms = 0;

	if (timeout && options->given & OPTION_UNDO) {
		text_error("--undo takes no --timeout");
		return NULL;
	}
	if (timeout && (value_parse_duration(timeout, &ms) || ms > INT64_MAX)) {
		text_error("--timeout expects a duration such as 30s or 5m, not '%s'", timeout);
		return NULL;
	}
	parameters = json_new();
	json_set_string(parameters, "listener", listener);
	if (timeout)
		json_set_int(parameters, "timeout_ms", (int64_t)ms);
	if (options->given & OPTION_UNDO)
		json_set_bool(parameters, "undo", true);
	return parameters;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
	struct json *parameters = parameters_new(options, argc ? argv[0] : NULL);
	bool undo = options->given & OPTION_UNDO;
	struct drain d = { .is_terminal = isatty(STDERR_FILENO) && !undo };
	enum exit_code code;

	if (!parameters)
		return EXIT_FAILED;
	code = client_call(options, "Drain", parameters, !undo, CLIENT_TIMEOUT_MS, take, &d);
	progress_clear(&d);
	if (code != EXIT_FINE)
		return code;
	if (!undo || !d.n_listeners)
		return outcome_print(&d);
	puts("Connections are taken again.");
	return EXIT_FINE;
}

const struct command cmd_drain = {
	.name = "drain",
	.arguments = "[LISTENER]",
	.summary = "take a listener, or all, out of service and wait until it is empty",
	.about = "The listener, or every one, stops listening at once: who connects is refused, "
		 "which load balancers take for a host that is down. Idle connections end with "
		 "close_notify, busy ones may finish until the timeout. --undo or a reload brings "
		 "the listener back; interrupting ktlsctl does not.",
	.problems = "the timeout ended connections that were still busy",
	.options = OPTION_TIMEOUT | OPTION_UNDO,
	.args_max = 1,
	.run = run,
};
