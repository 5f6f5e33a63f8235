/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of a connection's columns, and where connections come from. */
#include "cli/connections.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/json_text.h"
#include "base/util.h"
#include "cli/client.h"
#include "cli/column.h"
#include "cli/filter.h"
#include "cli/row.h"
#include "cli/table.h"
#include "cli/text.h"

enum { STALE_MS = 5000 };

static const struct column columns[] = {
	{ "cookie", COLUMN_NUMBER, "cookie", NULL, 0, COLUMN_DEFAULT,
	  "the kernel's socket cookie, which ss -e prints in hexadecimal as sk" },
	{ "owner", COLUMN_TEXT, NULL, row_print_owner, 0, COLUMN_DEFAULT,
	  "ktlsd, or the name of the process; other where that is not known" },
	{ "listener", COLUMN_TEXT, "listener", NULL, 0, COLUMN_DEFAULT | COLUMN_IF_KNOWN,
	  "the listener that accepted it" },
	{ "version", COLUMN_TEXT, "version", NULL, 0, COLUMN_DEFAULT, "TLS version" },
	{ "cipher", COLUMN_TEXT, "cipher", NULL, 0, COLUMN_DEFAULT, "cipher, as ss prints it" },
	{ "tx", COLUMN_MODE, "tx.mode", NULL, 0, COLUMN_DEFAULT,
	  "who encrypts what is sent: user, kernel or device; none before there are keys" },
	{ "rx", COLUMN_MODE, "rx.mode", NULL, 0, COLUMN_DEFAULT, "who decrypts what is received" },
	{ "peer", COLUMN_TEXT, "peer", NULL, 0, COLUMN_DEFAULT, "address of the other side" },
	{ "reason", COLUMN_TEXT, NULL, row_print_reason, 0, COLUMN_DEFAULT | COLUMN_WRAP,
	  "why a direction is not in the kernel or, where somebody can do something about it, not "
	  "on the device; see ktlsctl explain" },
	{ "offload", COLUMN_TEXT, NULL, row_print_offload, 0, COLUMN_WRAP,
	  "why a direction in the kernel is not on the network device, whatever the reason" },
	{ "state", COLUMN_TEXT, "state", NULL, 0, 0, "state of the connection in ktlsd" },
	{ "local", COLUMN_TEXT, "local", NULL, 0, 0, "address of this side" },
	{ "pid", COLUMN_NUMBER, NULL, row_print_pid, 0, 0,
	  "a process that has it open, else the one that set the keys" },
	{ "process", COLUMN_TEXT, "process.comm", NULL, 0, 0,
	  "name of a process that has it open" },
	{ "installer", COLUMN_TEXT, "installer.comm", NULL, 0, 0,
	  "name of the process that set the keys" },
	{ "age", COLUMN_AGE, "age_ms", NULL, 0, 0,
	  "time since ktlsd accepted it; milliseconds in JSON" },
	{ "since", COLUMN_AGE, "since_ms", NULL, 0, 0,
	  "for how long the kernel programs have known it; unknown: it is older than they" },
	{ "sni", COLUMN_TEXT, "sni", NULL, 0, 0, "server name the client asked for" },
	{ "alpn", COLUMN_TEXT, "alpn", NULL, 0, 0, "application protocol agreed on" },
	{ "group", COLUMN_TEXT, "group", NULL, 0, 0, "key exchange group" },
	{ "resumed", COLUMN_BOOL, "resumed", NULL, 0, 0, "whether the session was resumed" },
	{ "errors", COLUMN_NUMBER, NULL, row_print_errors, 0, 0,
	  "records that did not decrypt, had a bad header, or could not be sent" },
	{ "rekeys", COLUMN_NUMBER, NULL, row_print_rekeys, 0, 0, "key updates, both directions" },
	{ "device", COLUMN_TEXT, NULL, row_print_device, 0, 0, "network device that has the keys" },
	{ "egress", COLUMN_TEXT, "egress", NULL, 0, 0, "network device its packets leave by" },
	{ "degraded", COLUMN_BOOL, "degraded", NULL, 0, 0,
	  "whether the device that had the keys went down" },
	{ "sockmap", COLUMN_BOOL, "sockmap", NULL, 0, 0, "whether a sockmap program is on it" },
	{ "last-error", COLUMN_TEXT, "last_error", NULL, 0, 0, "errno of its last error" },
	{ "netns", COLUMN_NUMBER, "netns", NULL, 0, 0,
	  "inode of its network namespace, where that is another than ktlsd's" },
	{ "tx-reason", COLUMN_TEXT, "tx.reason", NULL, 0, 0, "reason of the sending side" },
	{ "tx-errno", COLUMN_TEXT, "tx.errno", NULL, 0, 0,
	  "errno beside the sending side's reason" },
	{ "tx-offload", COLUMN_TEXT, "tx.offload", NULL, 0, 0,
	  "why the sending side is not on the device" },
	{ "tx-offload-errno", COLUMN_TEXT, "tx.offload_errno", NULL, 0, 0, "errno beside that" },
	{ "tx-records", COLUMN_NUMBER, "tx.records", NULL, 0, 0, "records sent by the kernel" },
	{ "tx-bytes", COLUMN_SIZE, "tx.bytes", NULL, 0, 0, "bytes that ktlsd sent" },
	{ "tx-wire-bytes", COLUMN_SIZE, "tx.wire_bytes", NULL, 0, 0,
	  "bytes that TCP sent, all of TLS included" },
	{ "tx-payload", COLUMN_SIZE, "tx.payload", NULL, 0, 0,
	  "payload bytes that the kernel encrypted, where these are counted" },
	{ "tx-rekeys", COLUMN_NUMBER, "tx.rekeys", NULL, 0, 0, "key updates of the sending side" },
	{ "tx-errors", COLUMN_NUMBER, "tx.errors", NULL, 0, 0, "records that could not be sent" },
	{ "tx-device", COLUMN_TEXT, "tx.device", NULL, 0, 0, "network device that encrypts" },
	{ "rx-reason", COLUMN_TEXT, "rx.reason", NULL, 0, 0, "reason of the receiving side" },
	{ "rx-errno", COLUMN_TEXT, "rx.errno", NULL, 0, 0,
	  "errno beside the receiving side's reason" },
	{ "rx-offload", COLUMN_TEXT, "rx.offload", NULL, 0, 0,
	  "why the receiving side is not on the device" },
	{ "rx-offload-errno", COLUMN_TEXT, "rx.offload_errno", NULL, 0, 0, "errno beside that" },
	{ "rx-records", COLUMN_NUMBER, "rx.records", NULL, 0, 0, "records received by the kernel" },
	{ "rx-bytes", COLUMN_SIZE, "rx.bytes", NULL, 0, 0, "bytes that ktlsd received" },
	{ "rx-wire-bytes", COLUMN_SIZE, "rx.wire_bytes", NULL, 0, 0,
	  "bytes that TCP received, all of TLS included" },
	{ "rx-payload", COLUMN_SIZE, "rx.payload", NULL, 0, 0,
	  "payload bytes that the kernel decrypted, where these are counted" },
	{ "rx-rekeys", COLUMN_NUMBER, "rx.rekeys", NULL, 0, 0,
	  "key updates of the receiving side" },
	{ "rx-errors", COLUMN_NUMBER, "rx.errors", NULL, 0, 0, "records that did not decrypt" },
	{ "rx-device", COLUMN_TEXT, "rx.device", NULL, 0, 0, "network device that decrypts" },
	{ "rx-framing-errors", COLUMN_NUMBER, "rx.framing_errors", NULL, 0, 0,
	  "records with a bad header or length" },
	{ "inode", COLUMN_NUMBER, "inode", NULL, 0, 0, "inode of the socket, as in /proc/PID/fd" },
	{ "uid", COLUMN_NUMBER, "uid", NULL, 0, 0, "user who owns the socket" },
};

const struct listing connections_listing = {
	.name = "connections",
	.empty = "No connections.",
	.as_it_came = true,
	.columns = columns,
	.n_columns = ARRAY_SIZE(columns),
};

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

static int reply_take(const char *text, size_t len, void *arg)
{
	struct reading *reading = arg;
	const char *value;
	size_t value_len;
	bool known = false;
	int r = json_text_find(text, len, "observer", &value, &value_len);

	if (!r && !reading->observer)
		r = json_parse(value, value_len, &reading->observer, NULL, 0);
	if (r && r != -ENOENT)
		return r;
	known = !r;
	r = json_text_find(text, len, "connection", &value, &value_len);
	if (r)
		return r == -ENOENT && known ? 0 : -EINVAL;
	return *value == '{' ? connection_take(reading, value, value_len) : 0;
}

enum exit_code connections_read(const struct options *options, const struct filter *filter,
				connections_fn *each, void *arg, struct json **observer)
{
	struct reading reading = { .filter = filter, .each = each, .arg = arg };
	struct json *parameters = json_new();
	enum exit_code code;

	reading.ours_only = options->given & OPTION_OWN || filter_wants_ours_only(filter);
	json_set_bool(parameters, "all", !reading.ours_only);
	if (options->given & OPTION_NAMESPACES)
		json_set_bool(parameters, "namespaces", true);
	code = client_call_text(options, "ListConnections", parameters, CLIENT_TIMEOUT_MS,
				reply_take, &reading);
	*observer = reading.observer;
	return code;
}

bool connections_are_readable(const struct options *options, bool daemon)
{
	return daemon || options->from;
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
