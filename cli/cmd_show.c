/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl show: one connection in full, with its reasons explained. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/connections.h"
#include "cli/filter.h"
#include "cli/remedy.h"
#include "cli/row.h"
#include "cli/text.h"

enum { INDENT = 14 };

struct show {
	int64_t cookie;
	struct json *connection; /* the one asked for, or NULL; owned */
};

/* Of a recorded list, only the connection asked for. */
static int reply_take(struct json *reply, void *arg)
{
	struct show *show = arg;
	struct json *connection;
	int64_t cookie;
	int r = json_get_object(reply, "connection", &connection);

	if (r == -ENOENT)
		return json_has(reply, "observer") ? 0 : -EINVAL;
	if (!r)
		r = json_get_int(connection, "cookie", &cookie);
	if (r)
		return r == -ENOENT ? -EINVAL : r;
	if (cookie != show->cookie || show->connection)
		return 0;
	show->connection = json_share(connection);
	return show->connection ? 0 : -ENOMEM;
}

/* The same of what was read from the kernel. */
static int connection_take(const char *text, size_t len, void *arg)
{
	struct show *show = arg;
	_cleanup_json_ struct json *row = NULL;
	int r = json_parse(text, len, &row, NULL, 0);

	if (!r && row_int(row, NULL, "cookie") == show->cookie && !show->connection)
		show->connection = json_share(row);
	return r;
}

/* Asks the daemon; where none runs, looks through all sockets of the kernel if that is possible. */
static enum exit_code connection_get(const struct options *options, struct show *show)
{
	_cleanup_filter_ struct filter filter = { 0 };
	_cleanup_json_ struct json *observer = NULL;
	_cleanup_free_ char *errors = NULL;
	enum exit_code code;
	size_t size;
	FILE *file = open_memstream(&errors, &size), *before = text_divert_errors(file);
	struct json *call = json_new();

	json_set_int(call, "cookie", show->cookie);
	code = client_call(options, "GetConnection", call, false, CLIENT_TIMEOUT_MS, reply_take,
			   show);
	text_divert_errors(before);
	if (file)
		fclose(file);
	if (code == EXIT_NO_DAEMON && connections_are_readable(options, false))
		return connections_read(options, &filter, connection_take, show, &observer);
	text_pass_errors(errors ? errors : "");
	return code;
}

/* Appends ", text", or "text" to nothing. */
static void part(FILE *out, const char *before, const char *text, const char *after)
{
	if (*text)
		fprintf(out, "%s%s%s%s", ftell(out) ? ", " : "", before, text, after);
}

static void part_count(FILE *out, int64_t n, const char *noun)
{
	if (n >= 0)
		part(out, "", text_plural(n, noun).s, "");
}

static void tls_print(struct json *connection)
{
	_cleanup_free_ char *text = NULL;
	bool resumed = false;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	(void)json_get_bool(connection, "resumed", &resumed);
	part(out, "version ", row_string(connection, NULL, "version"), "");
	part(out, "", row_string(connection, NULL, "cipher"), "");
	part(out, "group ", row_string(connection, NULL, "group"), "");
	part(out, "", resumed ? "resumed" : "", "");
	part(out, "server name ", row_string(connection, NULL, "sni"), "");
	part(out, "protocol ", row_string(connection, NULL, "alpn"), "");
	if (!fclose(out))
		text_field("TLS", STYLE_PLAIN, "%s", *text ? text : "no handshake yet");
}

static const char *mode_text(const char *mode)
{
	return !strcmp(mode, "user")   ? "user space" :
	       !strcmp(mode, "none")   ? "no keys yet" :
	       !strcmp(mode, "device") ? "network device" :
					 mode;
}

static enum style mode_style(const char *mode)
{
	return !strcmp(mode, "user") ? STYLE_WARN :
	       !strcmp(mode, "none") ? STYLE_PLAIN :
				       STYLE_GOOD;
}

/* `said` is the reason that was explained last, or NULL: nothing is explained twice. */
static void reason_print(const char *before, const char *reason, const char *error,
			 const char **said)
{
	if (!*reason)
		return;
	text_field("", STYLE_BOLD, "%s%s%s%s%s", before, reason, *error ? " (" : "", error,
		   *error ? ")" : "");
	if (*said && !strcmp(*said, reason))
		return;
	remedy_print_what(INDENT, reason);
	remedy_print_advice(INDENT, reason);
	*said = reason;
}

/* Errors in words, only what there is of them. */
static void part_errors(FILE *out, struct json *direction, bool sends)
{
	int64_t n = row_int(direction, NULL, "errors");

	if (n > 0)
		part_count(out, n, sends ? "send error" : "decrypt error");
	else if (!n)
		part(out, "", "no errors", "");
	n = row_int(direction, NULL, "framing_errors");
	if (n > 0)
		part_count(out, n, "framing error");
	n = row_int(direction, NULL, "rekey_failures");
	if (n > 0)
		part_count(out, n, "refused key update");
	n = row_int(direction, NULL, "resyncs");
	if (n > 0)
		part_count(out, n, "resync");
	n = row_int(direction, NULL, "soft_packets");
	if (n > 0)
		part(out, "", text_plural(n, "packet").s, " left to the CPU");
}

static void parts_print(FILE *out, struct json *direction, bool sends)
{
	int64_t wire = row_int(direction, NULL, "wire_bytes");
	int64_t payload = row_int(direction, NULL, "payload");

	part(out, "", mode_text(row_string(direction, NULL, "mode")), "");
	part(out, "", row_string(direction, NULL, "device"), "");
	part_count(out, row_int(direction, NULL, "records"), "record");
	if (row_int(direction, NULL, "bytes") >= 0)
		part(out, "", text_bytes(row_int(direction, NULL, "bytes")).s, "");
	else if (payload >= 0)
		part(out, "", text_bytes(payload).s, "");
	if (wire >= 0)
		part(out, "", text_bytes(wire).s, " on the wire");
	part_count(out, row_int(direction, NULL, "rekeys"), "key update");
	part_errors(out, direction, sends);
}

static void direction_print(struct json *connection, const char *key, const char *label,
			    const char **said)
{
	_cleanup_free_ char *text = NULL;
	struct json *direction;
	size_t size;
	FILE *out;

	if (json_get_object(connection, key, &direction))
		return;
	out = open_memstream(&text, &size);
	if (!out)
		return;
	parts_print(out, direction, !strcmp(key, "tx"));
	if (!fclose(out))
		text_field(label, mode_style(row_string(direction, NULL, "mode")), "%s", text);
	reason_print("", row_string(direction, NULL, "reason"),
		     row_string(direction, NULL, "errno"), said);
	reason_print("not on the device: ", row_string(direction, NULL, "offload"),
		     row_string(direction, NULL, "offload_errno"), said);
}

/* "nginx, pid 812; keys by haproxy, pid 900" */
static void part_process(FILE *out, struct json *connection, const char *key, const char *before)
{
	const char *comm = row_string(connection, key, "comm");

	if (*comm)
		fprintf(out, "%s%s%s, pid %" PRId64, ftell(out) ? "; " : "", before, comm,
			row_int(connection, key, "pid"));
}

static void owner_print(struct json *connection)
{
	const char *listener = row_string(connection, NULL, "listener");
	int64_t age_ms = row_int(connection, NULL, "age_ms");
	const char *state = row_string(connection, NULL, "state");
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	if (row_is_ours(connection))
		fprintf(out, "ktlsd%s%s", *listener ? ", listener " : "", listener);
	else
		part_process(out, connection, "process", "");
	if (!row_is_ours(connection) &&
	    row_int(connection, "process", "pid") != row_int(connection, "installer", "pid"))
		part_process(out, connection, "installer", "keys set by ");
	if (!fclose(out))
		text_field("Owner", STYLE_PLAIN, "%s", *text ? text : "another program");
	if (*state)
		text_field("State", STYLE_PLAIN, "%s%s%s%s", state,
			   age_ms >= 0 ? ", accepted " : "", age_ms >= 0 ? text_age(age_ms).s : "",
			   age_ms >= 0 ? " ago" : "");
}

static void socket_print(struct json *connection)
{
	int64_t inode = row_int(connection, NULL, "inode"), uid = row_int(connection, NULL, "uid");
	int64_t netns = row_int(connection, NULL, "netns");
	const char *egress = row_string(connection, NULL, "egress");
	_cleanup_free_ char *text = NULL;
	bool sockmap = false;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	(void)json_get_bool(connection, "sockmap", &sockmap);
	if (inode >= 0)
		fprintf(out, "inode %" PRId64, inode);
	if (uid >= 0)
		fprintf(out, "%suid %" PRId64, ftell(out) ? ", " : "", uid);
	if (netns >= 0)
		fprintf(out, "%snetwork namespace %" PRId64, ftell(out) ? ", " : "", netns);
	part(out, "leaves by ", egress, "");
	part(out, "", sockmap ? "in a sockmap" : "", "");
	if (!fclose(out) && *text)
		text_field("Socket", STYLE_PLAIN, "%s", text);
}

/* For how long the programs have known it; says nothing where the kernel has no part in it. */
static void since_print(struct json *connection)
{
	int64_t since_ms = row_int(connection, NULL, "since_ms");
	const char *error = row_string(connection, NULL, "last_error");

	if (since_ms >= 0)
		text_field("Since", STYLE_PLAIN, "%s ago%s%s", text_age(since_ms).s,
			   *error ? ", last error " : "", error);
	else if (row_sum(connection, "records") >= 0)
		text_field("Since", STYLE_PLAIN,
			   "unknown, older than the observer: errors and key updates are not "
			   "known");
}

static void degraded_print(struct json *connection)
{
	bool degraded = false;

	(void)json_get_bool(connection, "degraded", &degraded);
	if (degraded)
		text_field("Degraded", STYLE_BAD,
			   "ss(8) says hw; the device went down under it, and the CPU does its "
			   "work");
}

static void connection_print(struct json *connection, int64_t cookie)
{
	const char *said = NULL;

	printf("%sConnection %" PRId64 "%s (ss -e: sk:%" PRIx64 ")\n", text_style(STYLE_BOLD),
	       cookie, text_style_end(), (uint64_t)cookie);
	owner_print(connection);
	text_field("Peer", STYLE_PLAIN, "%s", row_string(connection, NULL, "peer"));
	text_field("Local", STYLE_PLAIN, "%s", row_string(connection, NULL, "local"));
	socket_print(connection);
	since_print(connection);
	degraded_print(connection);
	tls_print(connection);
	putchar('\n');
	direction_print(connection, "tx", "Sending", &said);
	direction_print(connection, "rx", "Receiving", &said);
}

/* The reply as it came, so that --from can read it again. */
static enum exit_code json_output(struct json *connection)
{
	_cleanup_json_ struct json *box = json_new();
	_cleanup_free_ char *text = NULL;

	json_set(box, "connection", json_share(connection));
	text = json_print(box);
	if (!text) {
		text_error("out of memory");
		return EXIT_FAILED;
	}
	puts(text);
	return EXIT_FINE;
}

/* Decimal as `list` prints it, or with 0x as `ss -e` does without. */
static int cookie_parse(const char *text, int64_t *cookie)
{
	char *end;

	errno = 0;
	*cookie = strtoll(text, &end, strncmp(text, "0x", 2) != 0 ? 10 : 16);
	return errno || *end || end == text || *cookie < 0 ? -EINVAL : 0;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
	_cleanup_json_ struct json *connection = NULL;
	struct show show = { 0 };
	enum exit_code code;

	if (!argc || cookie_parse(argv[0], &show.cookie)) {
		text_error("show wants the cookie of a connection, a number as 'ktlsctl list' "
			   "prints it");
		return EXIT_FAILED;
	}
	code = connection_get(options, &show);
	connection = show.connection;
	if (code != EXIT_FINE)
		return code;
	if (!connection) {
		text_error("no connection has the cookie %s", argv[0]);
		return EXIT_FAILED;
	}
	if (options->given & OPTION_JSON)
		return json_output(connection);
	connection_print(connection, show.cookie);
	return json_complaint(connection) ? client_complain(options, connection) : EXIT_FINE;
}

const struct command cmd_show = {
	.name = "show",
	.arguments = "COOKIE",
	.summary = "one connection in full, its reasons explained",
	.about = "Shows all that is known of one connection: TLS parameters, who carries each "
		 "direction, and why not the kernel or the device where it does not. Without "
		 "ktlsd root sees the kernel's part.",
	.options = OPTION_JSON | OPTION_FROM,
	.args_max = 1,
	.run = run,
};
