/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of a connection's columns, and where connections come from. */
#include "cli/connections.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/json_text.h"
#include "base/util.h"
#include "cli/client.h"
#include "cli/column.h"
#include "cli/filter.h"
#include "cli/row.h"
#include "cli/sockets_local.h"
#include "cli/table.h"
#include "cli/text.h"

enum { STALE_MS = 5000 };

#define COLUMN(...) { __VA_ARGS__ },

static const struct column columns[] = {
#include "cli/connections.def"
};

static const struct column rate_columns[] = {
	{ "records/s", COLUMN_NUMBER, "records_s", NULL, 0, COLUMN_DEFAULT,
	  "records in a second, both directions" },
	{ "bytes/s", COLUMN_SIZE, "bytes_s", NULL, 0, COLUMN_DEFAULT,
	  "bytes in a second, both directions: of ktlsd's connections payload, of others what TCP "
	  "carried" },
#include "cli/connections.def"
};

const struct listing connections_listing = {
	.name = "connections",
	.empty = "No connections.",
	.as_it_came = true,
	.columns = columns,
	.n_columns = ARRAY_SIZE(columns),
};

const struct listing connections_rates_listing = {
	.name = "connections",
	.empty = "No connections.",
	.columns = rate_columns,
	.n_columns = ARRAY_SIZE(rate_columns),
};

static bool may_look(const struct options *options)
{
	return !(options->given & OPTION_SOCKET) && !geteuid();
}

struct reading {
	const struct filter *filter;
	connections_fn *each;
	void *arg;
	bool ours_only;
	struct json *observer; /* or NULL; owned */
};

/* Which a recording has, and the daemon would have left out. */
static bool is_left_out(const struct reading *reading, const char *text, size_t len)
{
	const char *owner;
	size_t owner_len;

	return reading->ours_only && !json_text_find(text, len, "owner", &owner, &owner_len) &&
	       strncmp(owner, "\"ktlsd\"", owner_len) != 0;
}

static int connection_take(const struct reading *reading, const char *text, size_t len)
{
	_cleanup_json_ struct json *row = NULL;
	int r;

	if (is_left_out(reading, text, len))
		return 0;
	if (!filter_is_empty(reading->filter)) {
		r = json_parse(text, len, &row, NULL, 0);
		if (r || !filter_matches(reading->filter, row))
			return r;
	}
	return reading->each(text, len, reading->arg);
}

/* Other methods tell of the observer, too, beside what list has no use for. */
static bool is_of_other_method(const char *text, size_t len)
{
	const char *value;
	size_t value_len;

	return !json_text_find(text, len, "listeners", &value, &value_len) ||
	       !json_text_find(text, len, "totals", &value, &value_len);
}

static int reply_take(const char *text, size_t len, void *arg)
{
	enum { CONNECTION, OBSERVER, N_MEMBERS };
	struct json_text_member members[N_MEMBERS] = { { .key = "connection" },
						       { .key = "observer" } };
	const struct json_text_member *connection = &members[CONNECTION];
	const struct json_text_member *observer = &members[OBSERVER];
	struct reading *reading = arg;
	int r = json_text_find_all(text, len, members, N_MEMBERS);

	if (!r && observer->value && !reading->observer)
		r = json_parse(observer->value, observer->len, &reading->observer, NULL, 0);
	if (r)
		return r;
	if (!connection->value)
		return observer->value && !is_of_other_method(text, len) ? 0 : -EINVAL;
	return *connection->value == '{' ?
		       connection_take(reading, connection->value, connection->len) :
		       0;
}

static int local_take(const char *text, size_t len, void *arg)
{
	return connection_take(arg, text, len);
}

static enum exit_code local_read(const struct options *options, struct reading *reading)
{
	char why[256];
	int r = sockets_local_read(options->given & OPTION_NAMESPACES, local_take, reading, why,
				   sizeof(why));

	if (!r)
		return EXIT_FINE;
	if (r != -ECANCELED)
		text_error("the kernel's sockets cannot be read: %s", why);
	return EXIT_FAILED;
}

/* Asks the daemon, and leaves it unsaid when there is none but another way. */
static enum exit_code daemon_read(const struct options *options, struct reading *reading)
{
	struct json *parameters = json_new();
	_cleanup_free_ char *errors = NULL;
	enum exit_code code;
	size_t size;
	FILE *file = open_memstream(&errors, &size), *before = text_divert_errors(file);

	json_set_bool(parameters, "all", !reading->ours_only);
	if (options->given & OPTION_NAMESPACES)
		json_set_bool(parameters, "namespaces", true);
	code = client_call_text(options, "ListConnections", parameters, CLIENT_TIMEOUT_MS,
				reply_take, reading);
	text_divert_errors(before);
	if (file && !fclose(file) && (code != EXIT_NO_DAEMON || !may_look(options)))
		text_pass_errors(errors);
	return code;
}

enum exit_code connections_read(const struct options *options, const struct filter *filter,
				connections_fn *each, void *arg, struct json **observer)
{
	struct reading reading = { .filter = filter, .each = each, .arg = arg };
	enum exit_code code;

	reading.ours_only = options->given & OPTION_OWN || filter_wants_ours_only(filter);
	code = daemon_read(options, &reading);
	if (code == EXIT_NO_DAEMON && may_look(options)) {
		text_error("ktlsd is not running: sockets are read from the kernel, whoever owns "
			   "them");
		code = local_read(options, &reading);
	}
	*observer = reading.observer;
	return code;
}

bool connections_are_readable(const struct options *options, bool daemon)
{
	return daemon || options->from || may_look(options);
}

void connections_note(struct json *observer)
{
	const char *reason = "no reason given", *detail = NULL;
	bool available = true;
	int64_t age_ms = 0;

	(void)json_get_bool(observer, "available", &available);
	(void)json_get_string(observer, "reason", &reason);
	(void)json_get_string(observer, "detail", &detail);
	(void)json_get_int(observer, "age_ms", &age_ms);
	if (!available)
		text_error("sockets of other programs are not shown: the observer does not work "
			   "(%s)%s%s",
			   reason, detail ? ": " : "", detail ? detail : "");
	else if (age_ms > STALE_MS)
		text_error("the kernel's side is %s old: the observer waits for a locked socket",
			   text_age(age_ms).s);
}
