/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sections on what sockets actually do, why not more, and on one process. */
#include "cli/diagnose.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/reason.h"
#include "base/util.h"
#include "cli/diagnosis.h"
#include "cli/family.h"
#include "cli/text.h"

enum { OWNERS_SHOWN = 8, REASONS_SHOWN = 10 };

/* "12 kernel, 3 user" */
static void modes_format(const uint64_t counts[static CENSUS_N_MODES], char *text, size_t size)
{
	static const char *const names[] = {
		[CENSUS_USER] = "in user space",
		[CENSUS_KERNEL] = "in the kernel",
		[CENSUS_DEVICE] = "on the device",
		[CENSUS_NONE] = "without a key",
	};
	size_t at = 0;

	text[0] = '\0';
	for (int i = 0; i < CENSUS_N_MODES; i++)
		if (counts[i] && at < size)
			at += (size_t)snprintf(text + at, size - at, "%s%s %s", at ? ", " : "",
					       text_count((int64_t)counts[i]).s, names[i]);
}

static void owner_look(const struct census_owner *owner, struct diagnosis *report)
{
	char sending[160], receiving[160];

	modes_format(owner->sending, sending, sizeof(sending));
	modes_format(owner->receiving, receiving, sizeof(receiving));
	diagnosis_add(report, DIAGNOSIS_NOTE, "Sockets", NULL, "%s, %s: sending %s; receiving %s",
		      owner->name, text_plural((int64_t)owner->n, "socket").s, sending, receiving);
}

static bool is_actionable(const char *wire)
{
	enum reason reason = reason_find(wire);

	return !reason || reason_class(reason) == REASON_CLASS_HOST ||
	       reason_class(reason) == REASON_CLASS_BUG;
}

static void reason_look(const struct census_reason *r, struct diagnosis *report)
{
	enum reason reason = reason_find(r->wire);
	bool act = is_actionable(r->wire);
	const char *advice = act && reason ? reason_remedy(reason) : NULL;

	advice = diagnosis_advice_for(report, advice, r->device);
	diagnosis_add(report, act ? DIAGNOSIS_FINDING : DIAGNOSIS_NOTE, "Reasons", advice,
		      "%s %s, %s%s%s: %s For one: connection %" PRId64 "%s%s.",
		      text_count((int64_t)r->n).s,
		      !strcmp(r->direction, "tx") ? "sending" : "receiving", r->wire,
		      *r->error ? ", " : "", r->error,
		      reason ? reason_what(reason) : "this ktlsctl does not know it.", r->cookie,
		      *r->device ? ", by " : "", r->device);
}

static void reasons_look(const struct census *census, struct diagnosis *report)
{
	int shown = 0;

	/* first what can be repaired, then the rest */
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < census->n_reasons && shown < REASONS_SHOWN; i++) {
			if (is_actionable(census->reasons[i].wire) != !pass)
				continue;
			reason_look(&census->reasons[i], report);
			shown++;
		}
	}
	if (shown < census->n_reasons)
		diagnosis_add(report, DIAGNOSIS_NOTE, "Reasons", NULL,
			      "and %d more: 'ktlsctl list -o +offload'", census->n_reasons - shown);
}

static void combinations_look(const struct census *census, struct diagnosis *report)
{
	if (census->n_sockmap)
		diagnosis_add(report, DIAGNOSIS_FINDING, "Sockmap",
			      "Take these sockets out of the sockmap ('bpftool map "
			      "show' "
			      "lists them; Cilium and other sidecar proxies use them), or leave "
			      "TLS to "
			      "user space there.",
			      "%s with a sockmap program: kernels refuse or have refused keys on "
			      "such "
			      "sockets (EINVAL on 6.1 and 7.3), and the other way round",
			      text_plural((int64_t)census->n_sockmap, "socket").s);
	if (census->n_failing)
		diagnosis_add(report, DIAGNOSIS_FINDING, "Errors",
			      "'ktlsctl show' on it and 'ktlsctl events' say which "
			      "error, "
			      "and what it means.",
			      "%s had records that did not decrypt or could not be sent; for one: "
			      "connection %" PRId64,
			      text_plural((int64_t)census->n_failing, "socket").s,
			      census->failing_cookie);
	if (census->n_old)
		diagnosis_add(report, DIAGNOSIS_NOTE, "Errors", NULL,
			      "%s older than the observer: their errors and key updates are not "
			      "known",
			      text_plural((int64_t)census->n_old, "socket").s);
}

void diagnose_sockets(const struct diagnose_facts *facts, struct diagnosis *report)
{
	const struct census *census = &facts->census;

	if (!facts->has_sockets) {
		diagnosis_add(report, DIAGNOSIS_UNKNOWN, "Sockets", NULL,
			      "cannot be seen without ktlsd, but by root");
		return;
	}
	if (!census->n && !facts->pid)
		diagnosis_add(report, DIAGNOSIS_NOTE, "Sockets", NULL,
			      facts->listener || facts->device ? "there is none of those looked "
								 "for" :
								 "no program uses kernel TLS at "
								 "this moment");
	for (int i = 0; i < MIN_OF(census->n_owners, OWNERS_SHOWN); i++)
		owner_look(&census->owners[i], report);
	if (census->n_owners > OWNERS_SHOWN)
		diagnosis_add(report, DIAGNOSIS_NOTE, "Sockets", NULL, "and %d more programs",
			      census->n_owners - OWNERS_SHOWN);
	reasons_look(census, report);
	combinations_look(census, report);
}

/* Since when an attempt would have been seen: "" when nobody looked. */
static void since_format(const struct diagnose_facts *facts, char *text, size_t size)
{
	time_t start = time(NULL) - (time_t)facts->observer.since_s;
	struct tm tm;

	text[0] = '\0';
	if (*facts->first_event)
		snprintf(text, size, "%s", facts->first_event);
	else if (facts->has_observer && facts->observer.since_s >= 0 && gmtime_r(&start, &tm))
		strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void attempt_look(const struct diagnose_facts *facts, struct json *process, const char *name,
			 struct diagnosis *report)
{
	const char *has = family_count(process) ? "have" : "has";
	char since[40], pids[256];

	since_format(facts, since, sizeof(since));
	family_format_pids(process, pids, sizeof(pids));
	if (facts->n_events)
		diagnosis_add(report, DIAGNOSIS_NOTE, "Process", NULL,
			      "%s %s no kernel-TLS socket now; %s of %s are remembered: ktlsctl "
			      "events --pid %s",
			      name, has, text_plural((int64_t)facts->n_events, "event").s,
			      family_count(process) ? "them" : "it", pids);
	else if (facts->has_events && *since)
		diagnosis_add(report, DIAGNOSIS_FINDING, "Process",
			      "Switch kernel TLS on in it. nginx: 'ssl_conf_command "
			      "Options KTLS;' with an OpenSSL built for it; other programs by "
			      "OpenSSL: "
			      "the option SSL_OP_ENABLE_KTLS; or put ktlsd in front of it.",
			      "%s %s no kernel-TLS socket, and no attempt at TCP_ULP was seen "
			      "since "
			      "%s: %s not ask for kernel TLS",
			      name, has, since, family_count(process) ? "they do" : "it does");
	else
		diagnosis_add(report, DIAGNOSIS_UNKNOWN, "Process", NULL,
			      "%s %s no kernel-TLS socket; whether %s tried cannot be known "
			      "without "
			      "the observer",
			      name, has, family_count(process) ? "they" : "it");
}

void diagnose_process(const struct diagnose_facts *facts, struct diagnosis *report)
{
	char name[256], others[160];
	const char *comm = NULL;
	struct json *process;

	if (!facts->pid)
		return;
	if (facts->host && !json_get_object(facts->host, "process", &process))
		(void)json_get_string(process, "comm", &comm);
	if (!comm) {
		diagnosis_add(report, DIAGNOSIS_FINDING, "Process", NULL,
			      "there is no process %" PRId64, facts->pid);
		return;
	}
	family_format(process, others, sizeof(others));
	snprintf(name, sizeof(name), "%s, pid %" PRId64 ",%s", comm, facts->pid, others);
	if (facts->census.n)
		diagnosis_add(report, DIAGNOSIS_OK, "Process", NULL, "%s %s %s", name,
			      *others ? "have" : "has",
			      text_plural((int64_t)facts->census.n, "kernel-TLS socket").s);
	else
		attempt_look(facts, process, name, report);
}
