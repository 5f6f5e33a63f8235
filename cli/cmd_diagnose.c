/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl diagnose: looks from the kernel to the network device for what keeps TLS out of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/connections.h"
#include "cli/diagnose.h"
#include "cli/diagnosis.h"
#include "cli/family.h"
#include "cli/filter.h"
#include "cli/host.h"
#include "cli/probe_local.h"
#include "cli/row.h"
#include "cli/text.h"

struct gathering {
	struct diagnose_facts *facts;
	const struct filter *filter;
};

void diagnose_facts_fini(struct diagnose_facts *facts)
{
	json_free(facts->host);
	json_free(facts->status);
	json_free(facts->probe);
	json_free(facts->seen);
}

static void keep(struct json **kept, struct json *value)
{
	json_free(*kept);
	*kept = json_share(value);
}

/* The process looked for, or what descends from it. */
static bool is_of_process(const struct diagnose_facts *facts, int64_t pid)
{
	struct json *process = NULL;

	if (facts->host)
		(void)json_get_object(facts->host, "process", &process);
	return pid == facts->pid || family_has(process, pid);
}

static void row_take(struct diagnose_facts *facts, struct json *row)
{
	if (facts->pid && !is_of_process(facts, row_int(row, "process", "pid")) &&
	    !is_of_process(facts, row_int(row, "installer", "pid")))
		return;
	if (facts->device && strcmp(row_string(row, NULL, "egress"), facts->device) != 0 &&
	    strcmp(row_string(row, "tx", "device"), facts->device) != 0 &&
	    strcmp(row_string(row, "rx", "device"), facts->device) != 0)
		return;
	census_add(&facts->census, row);
}

static void event_take(struct diagnose_facts *facts, struct json *event)
{
	if (!*facts->first_event)
		snprintf(facts->first_event, sizeof(facts->first_event), "%s",
			 row_string(event, NULL, "time"));
	facts->n_events += facts->pid && is_of_process(facts, row_int(event, "process", "pid"));
}

/* One recorded reply of any method, or {"host":...}. */
static int reply_take(struct json *reply, void *arg)
{
	struct gathering *gathering = arg;
	struct diagnose_facts *facts = gathering->facts;
	struct json *value;

	if (!json_get_object(reply, "host", &value))
		keep(&facts->host, value);
	if (!json_get_object(reply, "probe", &value))
		keep(&facts->probe, value);
	if (json_has(reply, "listeners"))
		keep(&facts->status, reply);
	if (json_has(reply, "observer"))
		keep(&facts->seen, reply);
	if (!json_get_object(reply, "connection", &value)) {
		facts->has_sockets = true;
		if (filter_matches(gathering->filter, value))
			row_take(facts, value);
	}
	if (!json_get_object(reply, "event", &value))
		event_take(facts, value);
	facts->has_events |= json_has(reply, "event") || json_has(reply, "lost");
	return json_complaint(reply) ? -EINVAL : 0;
}

static int connection_take(const char *text, size_t len, void *arg)
{
	struct gathering *gathering = arg;
	_cleanup_json_ struct json *row = NULL;
	int r = json_parse(text, len, &row, NULL, 0);

	if (!r)
		row_take(gathering->facts, row);
	return r;
}

static void probe_gather(const struct options *options, struct diagnose_facts *facts)
{
	_cleanup_json_ struct json *reply = NULL;
	struct json *report;

	if (!facts->status)
		(void)probe_local_report(&facts->probe);
	else if (client_get(options, "Probe", NULL, CLIENT_TIMEOUT_MS, &reply) == EXIT_FINE &&
		 !json_get_object(reply, "probe", &report))
		keep(&facts->probe, report);
}

/* Without a daemon, or without the right to ask it, that is no failure: the report says what cannot be
 * known. */
static enum exit_code status_gather(const struct options *options, struct diagnose_facts *facts)
{
	_cleanup_free_ char *errors = NULL;
	enum exit_code code;
	size_t size;
	FILE *file = open_memstream(&errors, &size), *before = text_divert_errors(file);

	code = client_get(options, "GetStatus", NULL, CLIENT_TIMEOUT_MS, &facts->status);
	text_divert_errors(before);
	if (file)
		fclose(file);
	if (code == EXIT_NO_DAEMON && !(options->given & OPTION_SOCKET))
		return EXIT_FINE;
	text_pass_errors(errors ? errors : "");
	if (code == EXIT_FAILED && !(options->given & OPTION_SOCKET) && client_is_denied(options)) {
		text_error("looking at what can be seen without it");
		return EXIT_FINE;
	}
	return code;
}

/* Of all network namespaces: containers have their own. */
static bool sockets_gather(const struct options *options, struct gathering *gathering)
{
	struct options everywhere = *options;
	_cleanup_json_ struct json *observer = NULL;
	_cleanup_free_ char *errors = NULL;
	enum exit_code code;
	size_t size;
	FILE *file = open_memstream(&errors, &size), *before = text_divert_errors(file);

	everywhere.given |= OPTION_NAMESPACES;
	code = connections_read(&everywhere, gathering->filter, connection_take, gathering,
				&observer);
	text_divert_errors(before);
	if (file)
		fclose(file);
	if (code != EXIT_FINE)
		text_pass_errors(errors ? errors : "");
	return code == EXIT_FINE;
}

static enum exit_code gather(const struct options *options, struct gathering *gathering)
{
	struct diagnose_facts *facts = gathering->facts;
	enum exit_code code;

	if (options->from)
		return client_call(options, "", NULL, true, CLIENT_TIMEOUT_MS, reply_take,
				   gathering);
	facts->host = host_look(facts->pid);
	code = status_gather(options, facts);
	if (code != EXIT_FINE)
		return code;
	probe_gather(options, facts);
	if (facts->status)
		facts->seen = json_share(facts->status);
	facts->has_sockets = connections_are_readable(options, facts->status != NULL) &&
			     sockets_gather(options, gathering);
	if (facts->pid && facts->status)
		return client_call(options, "GetEvents", NULL, true, CLIENT_TIMEOUT_MS, reply_take,
				   gathering);
	return EXIT_FINE;
}

static enum exit_code report_print(const struct options *options, struct diagnose_facts *facts)
{
	_cleanup_diagnosis_ struct diagnosis *report = diagnosis_new();

	if (!report) {
		text_error("out of memory");
		return EXIT_FAILED;
	}
	facts->has_observer = facts->seen && !observer_read(&facts->observer, facts->seen);
	census_sort(&facts->census);
	diagnose_kernel(facts, report);
	diagnose_daemon(facts, report);
	diagnose_devices(facts, report);
	diagnose_sockets(facts, report);
	diagnose_process(facts, report);
	if (options->given & OPTION_JSON ? diagnosis_print_json(report) : diagnosis_print(report)) {
		text_error("out of memory");
		return EXIT_FAILED;
	}
	return diagnosis_count_findings(report) ? EXIT_PROBLEMS : EXIT_FINE;
}

/* Takes the process out of the filter, which knows nothing of descendants; 0: there is none. */
static int64_t pid_take(struct filter *filter)
{
	int64_t pid = 0;
	size_t n = 0;

	for (size_t i = 0; i < filter->n; i++) {
		if (filter->terms[i].option == OPTION_PID)
			pid = filter->terms[i].pid;
		else
			filter->terms[n++] = filter->terms[i];
	}
	filter->n = n;
	return pid;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
	struct diagnose_facts facts = { .listener = options_argument(options, OPTION_OF_LISTENER),
					.device = options_argument(options, OPTION_DEVICE) };
	_cleanup_filter_ struct filter filter = { 0 };
	struct gathering gathering = { &facts, &filter };
	enum exit_code code;

	(void)argc, (void)argv;
	if (filter_init(&filter, options))
		return EXIT_FAILED;
	facts.pid = pid_take(&filter);
	code = gather(options, &gathering);
	if (code == EXIT_FINE)
		code = report_print(options, &facts);
	diagnose_facts_fini(&facts);
	return code;
}

const struct command cmd_diagnose = {
	.name = "diagnose",
	.arguments = "",
	.summary = "what keeps TLS out of the kernel and the network device, and what to do",
	.about = "Looks at everything that kernel TLS needs, in order: the kernel's module, what "
		 "it "
		 "carries, its AES driver, ktlsd and its kernel programs, the network devices, "
		 "what "
		 "sockets really do, and why not more. + is fine, ! a finding with what to do "
		 "about "
		 "it, - worth knowing, ? could not be looked at. It also works without ktlsd, or "
		 "the right to ask it, as "
		 "far as it can see; --listener, --device and --pid narrow it to one, a process "
		 "with all "
		 "that descends from it.",
	.problems = "there is a finding",
	.options = OPTION_JSON | OPTION_FROM | OPTION_OF_LISTENER | OPTION_DEVICE | OPTION_PID,
	.run = run,
};
