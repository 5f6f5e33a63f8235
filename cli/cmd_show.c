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
#include "cli/remedy.h"
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

/* "" when it is not known */
static const char *string_of(struct json *object, const char *key)
{
	const char *value = "";

	(void)json_get_string(object, key, &value);
	return value;
}

/* -1 when it is not known */
static int64_t int_of(struct json *object, const char *key)
{
	int64_t value = -1;

	(void)json_get_int(object, key, &value);
	return value;
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
	part(out, "version ", string_of(connection, "version"), "");
	part(out, "", string_of(connection, "cipher"), "");
	part(out, "group ", string_of(connection, "group"), "");
	part(out, "", resumed ? "resumed" : "", "");
	part(out, "server name ", string_of(connection, "sni"), "");
	part(out, "protocol ", string_of(connection, "alpn"), "");
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
static void direction_print(struct json *connection, const char *key, const char *label,
			    const char **said)
{
	_cleanup_free_ char *text = NULL;
	const char *mode, *reason, *error;
	struct json *direction;
	size_t size;
	FILE *out;

	if (json_get_object(connection, key, &direction))
		return;
	out = open_memstream(&text, &size);
	if (!out)
		return;
	mode = string_of(direction, "mode");
	part(out, "", mode_text(mode), "");
	part(out, "", string_of(direction, "device"), "");
	part_count(out, int_of(direction, "records"), "record");
	if (int_of(direction, "bytes") >= 0)
		part(out, "", text_bytes(int_of(direction, "bytes")).s, "");
	part_count(out, int_of(direction, "rekeys"), "key update");
	if (!fclose(out))
		text_field(label, mode_style(mode), "%s", text);
	reason = string_of(direction, "reason");
	error = string_of(direction, "errno");
	if (!*reason)
		return;
	text_field("", STYLE_BOLD, "%s%s%s%s", reason, *error ? " (" : "", error,
		   *error ? ")" : "");
	if (*said && !strcmp(*said, reason))
		return;
	remedy_print_what(INDENT, reason);
	remedy_print_advice(INDENT, reason);
	*said = reason;
}

static void owner_print(struct json *connection)
{
	const char *listener = string_of(connection, "listener");
	int64_t age_ms = int_of(connection, "age_ms");
	const char *state = string_of(connection, "state");
	bool is_ours = !strcmp(string_of(connection, "owner"), "ktlsd");

	text_field("Owner", STYLE_PLAIN, "%s%s%s", is_ours ? "ktlsd" : "another program",
		   *listener ? ", listener " : "", listener);
	if (*state)
		text_field("State", STYLE_PLAIN, "%s%s%s%s", state,
			   age_ms >= 0 ? ", accepted " : "", age_ms >= 0 ? text_age(age_ms).s : "",
			   age_ms >= 0 ? " ago" : "");
}

static void socket_print(struct json *connection)
{
	int64_t inode = int_of(connection, "inode"), uid = int_of(connection, "uid");
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out;

	if (inode < 0 && uid < 0)
		return;
	out = open_memstream(&text, &size);
	if (!out)
		return;
	if (inode >= 0)
		fprintf(out, "inode %" PRId64, inode);
	if (uid >= 0)
		fprintf(out, "%suid %" PRId64, inode >= 0 ? ", " : "", uid);
	if (!fclose(out))
		text_field("Socket", STYLE_PLAIN, "%s", text);
}

static void connection_print(struct json *connection, int64_t cookie)
{
	const char *said = NULL;

	printf("%sConnection %" PRId64 "%s (ss -e: sk:%" PRIx64 ")\n", text_style(STYLE_BOLD),
	       cookie, text_style_end(), (uint64_t)cookie);
	owner_print(connection);
	text_field("Peer", STYLE_PLAIN, "%s", string_of(connection, "peer"));
	text_field("Local", STYLE_PLAIN, "%s", string_of(connection, "local"));
	socket_print(connection);
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
	struct json *parameters;
	enum exit_code code;

	if (!argc || cookie_parse(argv[0], &show.cookie)) {
		text_error("show wants the cookie of a connection, a number as 'ktlsctl list' "
			   "prints it");
		return EXIT_FAILED;
	}
	parameters = json_new();
	json_set_int(parameters, "cookie", show.cookie);
	code = client_call(options, "GetConnection", parameters, false, CLIENT_TIMEOUT_MS,
			   reply_take, &show);
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
		 "direction, and why not the kernel where it does not.",
	.options = OPTION_JSON | OPTION_FROM,
	.args_max = 1,
	.run = run,
};
