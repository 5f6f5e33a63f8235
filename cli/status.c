/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reply to GetStatus. */
#include "cli/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/reason.h"
#include "base/util.h"
#include "cli/driver.h"
#include "cli/text.h"

/* A getter's result for a member that must be there. */
static int need(struct json *object, const char *key, int r)
{
	return r == -ENOENT ? json_complain_missing(object, key) : r;
}

static int need_string(struct json *object, const char *key, const char **out)
{
	return need(object, key, json_get_string(object, key, out));
}

static int need_int(struct json *object, const char *key, int64_t *out)
{
	return need(object, key, json_get_int(object, key, out));
}

static int need_bool(struct json *object, const char *key, bool *out)
{
	return need(object, key, json_get_bool(object, key, out));
}

static int need_array(struct json *object, const char *key, struct json **out)
{
	return need(object, key, json_get_array(object, key, out));
}

static void counter_take(struct status *status, const char *name, int64_t value)
{
	for (int i = 0; i < COUNTER_COUNT; i++)
		if (!strcmp(counter_name((enum counter)i), name))
			status->counters[i] = value;
}

static int counters_read(struct status *status, struct json *reply)
{
	struct json *counters, *counter;
	int r = need_array(reply, "counters", &counters);

	for (int i = 0; i < COUNTER_COUNT; i++)
		status->counters[i] = -1;
	for (size_t i = 0; !r && i < json_length(counters); i++) {
		const char *name;
		int64_t value;

		r = json_at(counters, i, &counter);
		if (!r)
			r = need_string(counter, "name", &name);
		if (!r)
			r = need_int(counter, "value", &value);
		if (!r)
			counter_take(status, name, value);
	}
	return r;
}

int status_read(struct status *status, struct json *reply)
{
	*status = (struct status){ 0 };
	if (need_string(reply, "version", &status->version) ||
	    need_string(reply, "kernel", &status->kernel) ||
	    need_string(reply, "crypto_library", &status->crypto_library) ||
	    need_string(reply, "config", &status->config) || need_int(reply, "pid", &status->pid) ||
	    need_int(reply, "uptime_s", &status->uptime_s) ||
	    need_int(reply, "workers", &status->workers) ||
	    need_int(reply, "reloads", &status->reloads) ||
	    need_bool(reply, "ktls", &status->ktls) || need_bool(reply, "rekey", &status->rekey) ||
	    need_array(reply, "listeners", &status->listeners) ||
	    need_array(reply, "reasons", &status->reasons) || counters_read(status, reply) ||
	    observer_read(&status->observer, reply))
		return -EINVAL;
	(void)json_get_object(reply, "probe", &status->probe);
	(void)json_get_array(reply, "limits", &status->limits);
	return json_complaint(reply) ? -EINVAL : 0;
}

static int reason_read(struct json *object, struct status_reason *reason)
{
	if (need_string(object, "where", &reason->where) ||
	    need_string(object, "reason", &reason->reason) ||
	    need_string(object, "class", &reason->class) ||
	    need_int(object, "count", &reason->count))
		return -EINVAL;
	return 0;
}

static int by_count(const void *a, const void *b)
{
	const struct status_reason *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->reason, y->reason);
}

int status_get_reasons(const struct status *status, bool ends, struct status_reason **out, int *n)
{
	size_t length = json_length(status->reasons);
	struct status_reason *reasons = calloc(length + 1, sizeof(*reasons));
	struct json *object;
	int r = 0;

	*out = reasons;
	*n = 0;
	if (!reasons)
		return -ENOMEM;
	for (size_t i = 0; i < length && !r; i++) {
		r = json_at(status->reasons, i, &object);
		if (!r)
			r = reason_read(object, &reasons[*n]);
		if (!r && reasons[*n].count > 0 && !strcmp(reasons[*n].where, "end") == ends)
			++*n;
	}
	qsort(reasons, (size_t)*n, sizeof(*reasons), by_count);
	return r;
}

bool status_wants_kernel(const struct status *status, const char *direction)
{
	struct json *listener;

	for (size_t i = 0; !json_at(status->listeners, i, &listener); i++) {
		const char *policy = "off";

		(void)json_get_string(listener, direction, &policy);
		if (strcmp(policy, "off") != 0)
			return true;
	}
	return false;
}

static void problem(struct status_problems *problems, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void problem(struct status_problems *problems, const char *format, ...)
{
	va_list args;

	if (problems->n == STATUS_PROBLEMS_MAX)
		return;
	va_start(args, format);
	vsnprintf(problems->text[problems->n++], STATUS_PROBLEM_LEN, format, args);
	va_end(args);
}

/*
 * A direction that a listener wants in the kernel and that this host keeps out of it. Not counted:
 * a kernel without rekey, where staying in user space is what 'auto' means.
 */
static bool is_unwanted(const struct status *status, const struct status_reason *fallback)
{
	enum reason reason = reason_find(fallback->reason);

	if (strcmp(fallback->class, "host") != 0 || reason == REASON_KTLS_NO_REKEY)
		return false;
	if (reason == REASON_KTLS_NO_ULP && !status->ktls)
		return false; /* said once, for the whole host */
	return status_wants_kernel(status, fallback->where);
}

static int fallback_problems(const struct status *status, struct status_problems *problems)
{
	_cleanup_free_ struct status_reason *fallbacks = NULL;
	int n, r = status_get_reasons(status, false, &fallbacks, &n);

	for (int i = 0; i < n && !r; i++) {
		if (is_unwanted(status, &fallbacks[i]))
			problem(problems, "%s had the %s in user space: %s.",
				text_plural(fallbacks[i].count, "connection").s,
				!strcmp(fallbacks[i].where, "tx") ? "sending side" :
								    "receiving side",
				fallbacks[i].reason);
	}
	return r;
}

static int end_problems(const struct status *status, struct status_problems *problems)
{
	_cleanup_free_ struct status_reason *ends = NULL;
	int n, r = status_get_reasons(status, true, &ends, &n);

	for (int i = 0; i < n && !r; i++) {
		if (reason_find(ends[i].reason) == REASON_KTLS_REQUIRED)
			problem(problems,
				"Refused %s: the listener requires the kernel, which could not "
				"carry them (ktls-required).",
				text_plural(ends[i].count, "connection").s);
		else if (!strcmp(ends[i].class, "bug"))
			problem(problems, "%s ended by a fault of ktlsd: %s.",
				text_plural(ends[i].count, "connection").s, ends[i].reason);
	}
	return r;
}

static void observer_problems(const struct observer *observer, struct status_problems *problems)
{
	if (!observer->available)
		problem(problems,
			"The observer does not work, so kernel-TLS sockets of other programs are "
			"not seen: %s%s%s.",
			observer->reason ? observer->reason : "no reason given",
			observer->detail ? ": " : "", observer->detail ? observer->detail : "");
	else if (observer_is_incomplete(observer))
		problem(problems,
			"Some of the observer's kernel programs are not attached, so what they see "
			"is missing: %zu of %zu; see ktlsctl observe.",
			json_length(observer->programs) - observer->n_attached,
			json_length(observer->programs));
}

int status_find_problems(const struct status *status, struct status_problems *problems)
{
	const char *driver = NULL;
	int r;

	problems->n = 0;
	if (!status->ktls &&
	    (status_wants_kernel(status, "tx") || status_wants_kernel(status, "rx")))
		problem(problems, "This kernel has no kTLS, and a listener wants it: every "
				  "connection is encrypted in user space.");
	if (status->probe)
		(void)json_get_string(status->probe, "aes_driver", &driver);
	if (status->ktls && driver_is_slow(driver))
		problem(problems, "The kernel encrypts AES with generic C code, which is several "
				  "times slower than user space; see ktlsctl probe.");
	observer_problems(&status->observer, problems);
	r = fallback_problems(status, problems);
	return r ? r : end_problems(status, problems);
}
