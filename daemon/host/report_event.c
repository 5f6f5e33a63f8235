/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An event of a socket as JSON, with what `ktlsctl explain` knows of it. */
#include "host/report.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"
#include "base/reason.h"
#include "base/suite.h"
#include "base/util.h"
#include "bpf/event.h"
#include "bpf/offload.h"
#include "bpf/report.h"

enum { NS_PER_S = 1000000000 };

static const char *const names[KTLS_N_EVENTS] = {
	[KTLS_EVENT_ULP] = "ulp",
	[KTLS_EVENT_KEYS] = "keys",
	[KTLS_EVENT_REKEY] = "rekey",
	[KTLS_EVENT_KEYS_READ] = "keys-read",
	[KTLS_EVENT_DEVICE] = "device",
	[KTLS_EVENT_ERROR] = "error",
	[KTLS_EVENT_FRAMING] = "framing",
	[KTLS_EVENT_RESYNC] = "resync",
	[KTLS_EVENT_SOFT_PACKET] = "soft-packet",
	[KTLS_EVENT_DEVICE_DOWN] = "device-down",
	[KTLS_EVENT_CLOSE] = "close",
};

const char *report_event_name(unsigned event)
{
	return event < KTLS_N_EVENTS ? names[event] : "?";
}

static enum reason explain_device(const struct ktls_event *e)
{
	struct offload_facts facts = { .direction = e->direction == KTLS_TX ? TX : RX,
				       .conf = KTLS_CONF_SW,
				       .version = e->version,
				       .cipher = e->cipher,
				       .attempt_seen = true,
				       .driver_reached = e->offer == KTLS_OFFER_DRIVER,
				       .attempt_errno = e->error };

	report_set_egress(&facts, e->egress_features);
	return offload_explain(&facts);
}

static enum reason explain(const struct ktls_event *e)
{
	switch (e->event) {
	case KTLS_EVENT_SOFT_PACKET:
		return REASON_DEVICE_OTHER_EGRESS;
	case KTLS_EVENT_DEVICE_DOWN:
		return REASON_DEVICE_LOST;
	case KTLS_EVENT_FRAMING:
		return e->error == EMSGSIZE ? REASON_RECORD_OVERFLOW : REASON_BAD_RECORD_HEADER;
	default:
		break;
	}
	if (!e->error)
		return REASON_NONE;
	switch (e->event) {
	case KTLS_EVENT_ULP:
		return e->error == ENOENT ? REASON_KTLS_NO_ULP : REASON_KTLS_ULP_REFUSED;
	case KTLS_EVENT_KEYS:
	case KTLS_EVENT_REKEY:
		return REASON_KTLS_KEY_REFUSED;
	case KTLS_EVENT_DEVICE:
		return explain_device(e);
	case KTLS_EVENT_ERROR:
		return e->error == EBADMSG ? REASON_BAD_RECORD_MAC : REASON_NONE;
	default:
		return REASON_NONE;
	}
}

/* As the wall clock has it now: the time of an event before it was set moves with it. */
static void set_time(struct json *o, uint64_t boot_ns)
{
	struct timespec boot, real;
	char text[40];
	struct tm tm;
	size_t len;
	int64_t ns;
	time_t s;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &real);
	ns = (int64_t)boot_ns + (real.tv_sec - boot.tv_sec) * NS_PER_S + real.tv_nsec -
	     boot.tv_nsec;
	s = ns / NS_PER_S;
	gmtime_r(&s, &tm);
	len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, sizeof(text) - len, ".%03dZ",
		 (int)(ns % NS_PER_S / (int64_t)NS_PER_MS));
	json_set_string(o, "time", text);
}

static void set_process(struct json *o, const struct ktls_event *e)
{
	struct json *process;

	if (!e->pid)
		return;
	process = json_new();
	json_set_int(process, "pid", e->pid);
	json_set_string(process, "comm", e->comm);
	json_set(o, "process", process);
}

static void set_socket(struct json *o, const struct ktls_event *e)
{
	const char *cipher = suite_cipher_name(e->cipher);
	char text[REPORT_ADDRESS_LEN];

	if (e->version) {
		json_set_string(o, "version", suite_version_name(e->version));
		snprintf(text, sizeof(text), "cipher-%u", e->cipher);
		json_set_string(o, "cipher", cipher ? cipher : text);
	}
	if (!e->family)
		return;
	report_format_address(text, e->family, e->local_addr, e->local_port);
	json_set_string(o, "local", text);
	report_format_address(text, e->family, e->remote_addr, e->remote_port);
	json_set_string(o, "peer", text);
}

static void set_direction(struct json *o, const struct ktls_event *e)
{
	static const char *const modes[] = { "none", "kernel", "device", "device" };
	const char *direction = report_direction_name(e->direction);

	if (!direction)
		return;
	json_set_string(o, "direction", direction);
	json_set_string(o, "mode", modes[e->conf[e->direction] % ARRAY_SIZE(modes)]);
}

static void set_records(struct json *o, const struct ktls_event *e)
{
	if (e->event != KTLS_EVENT_CLOSE)
		return;
	if (e->records_known[KTLS_TX])
		json_set_int(o, "tx_records", (int64_t)e->records[KTLS_TX]);
	if (e->records_known[KTLS_RX])
		json_set_int(o, "rx_records", (int64_t)e->records[KTLS_RX]);
	json_set_bool(o, "unsent", e->unsent);
}

struct json *report_event(const struct ktls_event *e)
{
	enum reason reason = explain(e);
	struct json *o = json_new();

	set_time(o, e->time_ns);
	json_set_string(o, "event", report_event_name(e->event));
	if (e->cookie)
		json_set_int(o, "cookie", (int64_t)e->cookie);
	set_process(o, e);
	set_direction(o, e);
	if (e->error)
		json_set_string(o, "error", log_errno(e->error));
	if (reason != REASON_NONE)
		json_set_string(o, "reason", reason_name(reason));
	json_set_string(o, "device", *e->device ? e->device : NULL);
	set_socket(o, e);
	if (e->netns)
		json_set_int(o, "netns", e->netns);
	set_records(o, e);
	return o;
}
