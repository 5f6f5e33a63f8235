/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl status: one screen that says whether the kernel does the work, and why not. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/driver.h"
#include "cli/listeners.h"
#include "cli/remedy.h"
#include "cli/status.h"
#include "cli/table.h"
#include "cli/text.h"

enum { REASONS_SHOWN = 6, COUNT_WIDTH = 13, REASON_INDENT = COUNT_WIDTH + 2 };

static void ktls_print(const struct status *status)
{
	const char *error = NULL, *driver = NULL;

	if (status->probe) {
		(void)json_get_string(status->probe, "ulp_errno", &error);
		(void)json_get_string(status->probe, "aes_driver", &driver);
	}
	if (!status->ktls) {
		text_field("kTLS", STYLE_BAD, "no%s%s; see 'ktlsctl probe'",
			   error ? ": TCP_ULP \"tls\" is refused with " : "", error ? error : "");
		return;
	}
	if (status->rekey)
		text_field("kTLS", STYLE_GOOD, "yes, with rekey");
	else
		text_field("kTLS", STYLE_GOOD,
			   "yes, without rekey: 'auto' receives TLS 1.3 in user space");
	driver_print(driver);
}

static void header_print(const struct status *status)
{
	text_field("ktlsd", STYLE_BOLD, "%s, up %s", status->version,
		   text_age(status->uptime_s * MS_PER_S).s);
	text_field("Process", STYLE_PLAIN, "pid %" PRId64 ", %s, %s", status->pid,
		   text_plural(status->workers, "worker").s, status->crypto_library);
	text_field("Config", STYLE_PLAIN, "%s, %s", status->config,
		   text_plural(status->reloads, "reload").s);
	text_field("Kernel", STYLE_PLAIN, "%s", status->kernel);
	ktls_print(status);
	observer_print_summary(&status->observer);
}

static void problems_print(const struct status_problems *problems)
{
	if (!problems->n)
		return;
	text_heading("PROBLEMS");
	for (int i = 0; i < problems->n; i++)
		text_bullet(STYLE_BAD, '!', problems->text[i]);
}

static int64_t known(int64_t value)
{
	return value < 0 ? 0 : value;
}

/* Of listeners that serve files; where there are none nothing is said. */
static void responses_print(const int64_t *c)
{
	int64_t n[] = { known(c[COUNTER_RESPONSES_2XX]), known(c[COUNTER_RESPONSES_3XX]),
			known(c[COUNTER_RESPONSES_4XX]), known(c[COUNTER_RESPONSES_5XX]) };

	if (n[0] + n[1] + n[2] + n[3])
		text_field("Responses", STYLE_PLAIN, "2xx %s, 3xx %s, 4xx %s, 5xx %s",
			   text_count(n[0]).s, text_count(n[1]).s, text_count(n[2]).s,
			   text_count(n[3]).s);
}

static void traffic_print(const struct status *status)
{
	const int64_t *c = status->counters;
	int64_t tls13 = known(c[COUNTER_HANDSHAKES_TLS13]);
	int64_t handshakes = tls13 + known(c[COUNTER_HANDSHAKES_TLS12]);
	int64_t uncopied = known(c[COUNTER_SPLICED_BYTES]) + known(c[COUNTER_SENDFILE_BYTES]);
	int64_t moved = uncopied + known(c[COUNTER_COPIED_BYTES]);

	text_heading("SINCE THE START");
	text_field("Connections", STYLE_PLAIN, "%s accepted, %s open, %s in handshake",
		   text_count(known(c[COUNTER_ACCEPTED])).s, text_count(known(c[COUNTER_OPEN])).s,
		   text_count(known(c[COUNTER_HANDSHAKES_IN_FLIGHT])).s);
	text_field("Handshakes", STYLE_PLAIN, "%s, TLS 1.3: %s, resumed: %s",
		   text_count(handshakes).s, text_percent(tls13, handshakes).s,
		   text_percent(known(c[COUNTER_HANDSHAKES_RESUMED]), handshakes).s);
	text_field("In kernel", STYLE_PLAIN, "sending %s (%s), receiving %s (%s)",
		   text_percent(known(c[COUNTER_TX_KERNEL]), handshakes).s,
		   text_count(known(c[COUNTER_TX_KERNEL])).s,
		   text_percent(known(c[COUNTER_RX_KERNEL]), handshakes).s,
		   text_count(known(c[COUNTER_RX_KERNEL])).s);
	text_field("Payload", STYLE_PLAIN, "sent %s, received %s; moved without a copy: %s",
		   text_bytes(known(c[COUNTER_TX_BYTES])).s,
		   text_bytes(known(c[COUNTER_RX_BYTES])).s, text_percent(uncopied, moved).s);
	responses_print(c);
	text_field("Key updates", STYLE_PLAIN, "sending %s, receiving %s",
		   text_count(known(c[COUNTER_REKEYS_TX])).s,
		   text_count(known(c[COUNTER_REKEYS_RX])).s);
}

/* "1,204 of 100,000 open, 3 refused", or "64 connections, 3 refused" */
static int limit_print(struct json *limit, const char *name, const char *label)
{
	int64_t max, refused, in_use = -1;

	if (json_get_int(limit, "limit", &max) || json_get_int(limit, "refused", &refused))
		return -EINVAL;
	(void)json_get_int(limit, "in_use", &in_use);
	if (!max)
		text_field(label, STYLE_PLAIN, "no limit");
	else if (in_use >= 0)
		text_field(label, refused ? STYLE_WARN : STYLE_PLAIN, "%s of %s %s, %s refused",
			   text_count(in_use).s, text_count(max).s, name, text_count(refused).s);
	else
		text_field(label, refused ? STYLE_WARN : STYLE_PLAIN, "%s %s, %s refused",
			   text_count(max).s, name, text_count(refused).s);
	return 0;
}

static int limits_print(const struct status *status)
{
	static const struct {
		const char *name, *label, *words;
	} rows[] = {
		{ "connections", "Connections", "open" },
		{ "connections-per-address", "Per address", "connections" },
		{ "handshakes", "Handshakes", "in flight" },
		{ "handshake-rate", "Per second", "handshakes" },
	};
	struct json *limit;
	int r = 0;

	if (!status->limits)
		return 0;
	text_heading("LIMITS");
	for (size_t i = 0; !r && i < json_length(status->limits); i++) {
		const char *name = "";

		r = json_at(status->limits, i, &limit);
		if (!r)
			r = json_get_string(limit, "name", &name);
		for (size_t j = 0; !r && j < ARRAY_SIZE(rows); j++)
			if (!strcmp(rows[j].name, name))
				r = limit_print(limit, rows[j].words, rows[j].label);
	}
	return r;
}

static enum style class_style(const char *class)
{
	return !strcmp(class, "bug")  ? STYLE_BAD :
	       !strcmp(class, "host") ? STYLE_WARN :
					STYLE_PLAIN;
}

static void reason_print(const struct status_reason *reason, bool advise)
{
	printf("%*s  ", COUNT_WIDTH, text_count(reason->count).s);
	if (strcmp(reason->where, "end") != 0) {
		text_print(STYLE_PLAIN, reason->where);
		printf("  ");
	}
	text_print(class_style(reason->class), reason->reason);
	printf("  (");
	text_print(STYLE_PLAIN, reason->class);
	printf(")\n");
	if (advise)
		remedy_print_advice(REASON_INDENT, reason->reason);
}

static bool is_repairable(const struct status_reason *reason)
{
	return !strcmp(reason->class, "host") || !strcmp(reason->class, "bug");
}

static int fallbacks_print(const struct status *status)
{
	_cleanup_free_ struct status_reason *reasons = NULL;
	int n, r = status_get_reasons(status, false, &reasons, &n);

	if (r || !n)
		return r;
	text_heading("NOT IN THE KERNEL, AND WHY");
	for (int i = 0; i < MIN_OF(n, REASONS_SHOWN); i++) {
		const char *wire = reasons[i].reason;
		bool said = false;

		for (int j = 0; j < i; j++)
			said |= !strcmp(reasons[j].reason, wire);
		reason_print(&reasons[i], !said);
	}
	if (n > REASONS_SHOWN)
		printf("%*s  more: ktlsctl status --json\n", COUNT_WIDTH, "");
	return 0;
}

/* "ok 41,000, peer 210, host 3, bug 0" */
static void classes_print(const struct status_reason *reasons, int n)
{
	static const char *const classes[] = { "ok", "peer", "host", "bug" };

	for (size_t c = 0; c < ARRAY_SIZE(classes); c++) {
		int64_t sum = 0;

		for (int i = 0; i < n; i++)
			if (!strcmp(reasons[i].class, classes[c]))
				sum += reasons[i].count;
		printf("%s%s %s", c ? ", " : "  ", classes[c], text_count(sum).s);
	}
	putchar('\n');
}

static int ends_print(const struct status *status)
{
	_cleanup_free_ struct status_reason *reasons = NULL;
	int n, r = status_get_reasons(status, true, &reasons, &n);

	if (r || !n)
		return r;
	text_heading("HOW CONNECTIONS ENDED");
	classes_print(reasons, n);
	for (int i = 0; i < n; i++)
		if (i < REASONS_SHOWN || is_repairable(&reasons[i]))
			reason_print(&reasons[i], is_repairable(&reasons[i]));
	return 0;
}

static int screen_print(const struct status *status, const struct status_problems *problems,
			const struct options *options)
{
	const struct options plain = { .socket = options->socket };
	int r;

	header_print(status);
	if (!json_length(status->listeners)) {
		text_field("Listeners", STYLE_PLAIN, "none: ktlsd only observes");
		problems_print(problems);
		return 0;
	}
	problems_print(problems);
	text_heading("LISTENERS");
	r = listeners_print(status->listeners, &plain);
	if (r)
		return r;
	traffic_print(status);
	r = limits_print(status);
	if (r)
		return r;
	r = fallbacks_print(status);
	return r ? r : ends_print(status);
}

static int json_output(struct json *reply)
{
	_cleanup_free_ char *text = json_print(reply);

	if (!text)
		return -ENOMEM;
	puts(text);
	return 0;
}

/* The probe's report stands beside the status, in the reply itself; without it the screen knows
 * less, which is no reason to fail. */
static void probe_add(const struct options *options, struct json *reply)
{
	_cleanup_json_ struct json *probe = NULL;
	struct json *report;

	if (options->from)
		return;
	if (client_get(options, "Probe", NULL, CLIENT_TIMEOUT_MS, &probe) != EXIT_FINE) {
		text_error("what the probe found is not shown");
		return;
	}
	if (!json_get_object(probe, "probe", &report))
		json_set(reply, "probe", json_share(report));
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
	_cleanup_json_ struct json *reply = NULL;
	struct status_problems problems;
	struct status status;
	enum exit_code code;
	int r;

	(void)argc, (void)argv;
	code = client_get(options, "GetStatus", NULL, CLIENT_TIMEOUT_MS, &reply);
	if (code != EXIT_FINE)
		return code;
	probe_add(options, reply);
	r = status_read(&status, reply);
	if (!r)
		r = status_find_problems(&status, &problems);
	if (!r)
		r = options->given & OPTION_JSON ? json_output(reply) :
						   screen_print(&status, &problems, options);
	if (r == -ENOMEM)
		text_error("out of memory");
	if (r == -EINVAL)
		return client_complain(options, reply);
	if (r)
		return EXIT_FAILED;
	return problems.n ? EXIT_PROBLEMS : EXIT_FINE;
}

const struct command cmd_status = {
	.name = "status",
	.arguments = "",
	.summary = "whether the kernel does the work, and why not (the default)",
	.about = "Shows the daemon, what this kernel can do, the listeners with their policies, "
		 "and counts since the start: what is in the kernel, what is not and why, how "
		 "connections ended.",
	.problems = "a listener wants the kernel and this host cannot give it (no kTLS, or a "
		    "fallback of class host other than ktls-no-rekey), connections were refused "
		    "by 'require', AES is generic C code in the kernel, the observer does not "
		    "work or lacks a kernel program, or ktlsd met a bug of its own",
	.options = OPTION_JSON | OPTION_FROM,
	.run = run,
};
