/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl list: every kernel-TLS socket and every connection of ktlsd, a line each. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "cli/text.h"

enum { STALE_MS = 5000 };

static const char *direction_reason(struct json *row, const char *direction)
{
	struct json *object;
	const char *reason = NULL;

	if (!json_get_object(row, direction, &object))
		(void)json_get_string(object, "reason", &reason);
	return reason;
}

static void reason_print(struct json *row, char *cell, size_t size)
{
	const char *tx = direction_reason(row, "tx"), *rx = direction_reason(row, "rx");

	if (tx && rx && !strcmp(tx, rx))
		snprintf(cell, size, "%s", tx);
	else if (tx && rx)
		snprintf(cell, size, "tx:%s rx:%s", tx, rx);
	else if (tx || rx)
		snprintf(cell, size, "%s:%s", tx ? "tx" : "rx", tx ? tx : rx);
}

static const struct column columns[] = {
	{ "cookie", COLUMN_NUMBER, "cookie", NULL, 0, COLUMN_DEFAULT,
	  "the kernel's socket cookie, which ss -e prints in hexadecimal as sk" },
	{ "owner", COLUMN_TEXT, "owner", NULL, 0, COLUMN_DEFAULT,
	  "ktlsd, or other for the sockets of other programs" },
	{ "listener", COLUMN_TEXT, "listener", NULL, 0, COLUMN_DEFAULT | COLUMN_IF_KNOWN,
	  "the listener that accepted it" },
	{ "state", COLUMN_TEXT, "state", NULL, 0, COLUMN_DEFAULT | COLUMN_IF_KNOWN,
	  "state of the connection in ktlsd" },
	{ "version", COLUMN_TEXT, "version", NULL, 0, COLUMN_DEFAULT, "TLS version" },
	{ "cipher", COLUMN_TEXT, "cipher", NULL, 0, COLUMN_DEFAULT, "cipher, as ss prints it" },
	{ "tx", COLUMN_MODE, "tx.mode", NULL, 0, COLUMN_DEFAULT,
	  "who encrypts what is sent: user, kernel or device; none before there are keys" },
	{ "rx", COLUMN_MODE, "rx.mode", NULL, 0, COLUMN_DEFAULT, "who decrypts what is received" },
	{ "peer", COLUMN_TEXT, "peer", NULL, 0, COLUMN_DEFAULT, "address of the client" },
	{ "reason", COLUMN_TEXT, NULL, reason_print, 0, COLUMN_DEFAULT,
	  "why a direction is not in the kernel; see ktlsctl explain" },
	{ "local", COLUMN_TEXT, "local", NULL, 0, 0, "address of this side" },
	{ "age", COLUMN_AGE, "age_ms", NULL, 0, 0,
	  "time since it was accepted; milliseconds in JSON" },
	{ "sni", COLUMN_TEXT, "sni", NULL, 0, 0, "server name the client asked for" },
	{ "alpn", COLUMN_TEXT, "alpn", NULL, 0, 0, "application protocol agreed on" },
	{ "group", COLUMN_TEXT, "group", NULL, 0, 0, "key exchange group" },
	{ "resumed", COLUMN_BOOL, "resumed", NULL, 0, 0, "whether the session was resumed" },
	{ "tx-reason", COLUMN_TEXT, "tx.reason", NULL, 0, 0, "reason of the sending side" },
	{ "rx-reason", COLUMN_TEXT, "rx.reason", NULL, 0, 0, "reason of the receiving side" },
	{ "tx-errno", COLUMN_TEXT, "tx.errno", NULL, 0, 0,
	  "errno beside the sending side's reason" },
	{ "rx-errno", COLUMN_TEXT, "rx.errno", NULL, 0, 0,
	  "errno beside the receiving side's reason" },
	{ "tx-records", COLUMN_NUMBER, "tx.records", NULL, 0, 0,
	  "records sent under the current keys" },
	{ "rx-records", COLUMN_NUMBER, "rx.records", NULL, 0, 0,
	  "records received under the current keys" },
	{ "tx-bytes", COLUMN_SIZE, "tx.bytes", NULL, 0, 0, "bytes sent" },
	{ "rx-bytes", COLUMN_SIZE, "rx.bytes", NULL, 0, 0, "bytes received" },
	{ "tx-rekeys", COLUMN_NUMBER, "tx.rekeys", NULL, 0, 0, "key updates of the sending side" },
	{ "rx-rekeys", COLUMN_NUMBER, "rx.rekeys", NULL, 0, 0,
	  "key updates of the receiving side" },
	{ "tx-device", COLUMN_TEXT, "tx.device", NULL, 0, 0, "network device that encrypts" },
	{ "rx-device", COLUMN_TEXT, "rx.device", NULL, 0, 0, "network device that decrypts" },
	{ "inode", COLUMN_NUMBER, "inode", NULL, 0, 0, "inode of the socket, as in /proc/PID/fd" },
	{ "uid", COLUMN_NUMBER, "uid", NULL, 0, 0, "user who owns the socket" },
};

static const struct listing connections = {
	.name = "connections",
	.empty = "No connections.",
	.columns = columns,
	.n_columns = ARRAY_SIZE(columns),
};

struct list {
	struct table *table;
	struct json *observer; /* or NULL; owned */
	bool own;
};

static int connection_take(struct list *list, struct json *connection)
{
	const char *owner = "";

	if (json_get_string(connection, "owner", &owner) == -EINVAL)
		return -EINVAL;
	/* The daemon has left the others out already; a recording may have them. */
	if (list->own && strcmp(owner, "ktlsd") != 0)
		return 0;
	return table_add(list->table, connection);
}

static int reply_take(struct json *reply, void *arg)
{
	struct list *list = arg;
	struct json *connection, *observer;
	int r = json_get_object(reply, "observer", &observer);

	if (r && r != -ENOENT)
		return r;
	if (!r && !list->observer)
		list->observer = json_share(observer);
	if (!json_has(reply, "connection"))
		return r ? -EINVAL : 0;
	r = json_get_object(reply, "connection", &connection);
	return r ? r : connection_take(list, connection);
}

/* Says on stderr what the list may lack. */
static void observer_note(struct json *observer)
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

static enum exit_code run(const struct options *options, int argc, char **argv)
{
	_cleanup_table_ struct table *table = table_new(&connections, options);
	struct list list = { .table = table, .own = options->given & OPTION_OWN };
	struct json *parameters;
	enum exit_code code;

	(void)argc, (void)argv;
	if (!table)
		return EXIT_FAILED;
	parameters = json_new();
	json_set_bool(parameters, "all", !list.own);
	code = client_call(options, "ListConnections", parameters, true, CLIENT_TIMEOUT_MS,
			   reply_take, &list);
	if (code == EXIT_FINE && table_print(table)) {
		text_error("out of memory");
		code = EXIT_FAILED;
	}
	if (code == EXIT_FINE && !list.own)
		observer_note(list.observer);
	json_free(list.observer);
	return code;
}

const struct command cmd_list = {
	.name = "list",
	.arguments = "",
	.summary = "connections and kernel-TLS sockets, a line each",
	.about = "Lists the connections of ktlsd and every kernel-TLS socket of this network "
		 "namespace, whoever owns it. What is not known is '-'.",
	.options = OPTION_LISTING | OPTION_FROM | OPTION_OWN,
	.listing = &connections,
	.run = run,
};
