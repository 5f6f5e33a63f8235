/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl events: what happened to kernel-TLS sockets, a line each, also as it happens. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/event.h"
#include "cli/filter.h"
#include "cli/text.h"

struct events {
	struct event_printer printer;
	struct filter filter;
	bool json, follow;
	uint64_t left; /* how many more; 0: any number */
	bool done;
	int64_t lost; /* -1: not known */
};

static int event_take(struct events *events, struct json *event)
{
	_cleanup_free_ char *text = NULL;

	if (!filter_matches(&events->filter, event))
		return 0;
	if (!json_has(event, "time") || !json_has(event, "event"))
		return json_complain_missing(event, json_has(event, "time") ? "event" : "time");
	if (events->json) {
		text = json_print(event);
		if (!text)
			return -ENOMEM;
		puts(text);
	} else {
		event_print(&events->printer, event);
	}
	if (events->follow)
		fflush(stdout);
	events->done = events->left && !--events->left;
	return events->done ? -ECANCELED : 0;
}

static int reply_take(struct json *reply, void *arg)
{
	struct events *events = arg;
	struct json *event;
	int r;

	if (ferror(stdout))
		return -ECANCELED;
	(void)json_get_int(reply, "lost", &events->lost);
	r = json_get_object(reply, "event", &event);
	if (r == -ENOENT)
		return json_complaint(reply) || json_has(reply, "connection") ? -EINVAL : 0;
	return r ? r : event_take(events, event);
}

/* What was printed is flushed already. */
static void interrupted(int signal)
{
	(void)signal;
	_exit(EXIT_FINE);
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
	struct events events = { .json = options->given & OPTION_JSON,
				 .follow = options->given & OPTION_FOLLOW,
				 .lost = -1 };
	struct json *parameters;
	enum exit_code code;

	(void)argc, (void)argv;
	if (options_number(options, OPTION_COUNT, &events.left))
		return EXIT_FAILED;
	if (filter_init(&events.filter, options)) {
		filter_fini(&events.filter);
		return EXIT_FAILED;
	}
	parameters = json_new();
	json_set_bool(parameters, "follow", events.follow);
	if (events.follow)
		signal(SIGINT, interrupted);
	code = client_call(options, "GetEvents", parameters, true,
			   events.follow ? INT_MAX : CLIENT_TIMEOUT_MS, reply_take, &events);
	filter_fini(&events.filter);
	if (events.done)
		code = EXIT_FINE;
	if (code == EXIT_FINE && events.lost > 0)
		text_error("%s nobody has seen: they came faster than they could be read",
			   text_plural(events.lost, "event").s);
	return code;
}

const struct command cmd_events = {
	.name = "events",
	.arguments = "",
	.summary = "what happened to kernel-TLS sockets, a line each",
	.about = "Shows the last events that ktlsd remembers: keys set and refused, devices that "
		 "took or refused them, key updates, errors with their meaning, closes with the "
		 "final counts. OWNER is the process that ran then. With --json an event is an "
		 "object on a line of its own.",
	.options = OPTION_JSON | OPTION_FROM | OPTION_FOLLOW | OPTION_COUNT | OPTION_OWNER |
		   OPTION_REASON | OPTION_PEER | OPTION_LOCAL | OPTION_PID,
	.run = run,
};
