/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads and prints what the observer says of itself. */
#include "cli/observer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/text.h"

static int64_t int_of(struct json *object, const char *key)
{
	int64_t value = -1;

	(void)json_get_int(object, key, &value);
	return value;
}

static bool program_is_attached(const struct observer *observer, size_t i, const char **name,
				const char **error)
{
	struct json *program;
	bool attached = false;

	*name = *error = "";
	if (json_at(observer->programs, i, &program))
		return false;
	(void)json_get_string(program, "name", name);
	(void)json_get_string(program, "error", error);
	(void)json_get_bool(program, "attached", &attached);
	return attached;
}

int observer_read(struct observer *observer, struct json *reply)
{
	const char *name, *error;
	struct json *json;
	int r = json_get_object(reply, "observer", &json);

	*observer = (struct observer){ 0 };
	if (r)
		return r == -ENOENT ? json_complain_missing(reply, "observer") : r;
	if (json_get_bool(json, "available", &observer->available))
		return json_complain_missing(json, "available");
	(void)json_get_string(json, "reason", &observer->reason);
	(void)json_get_string(json, "detail", &observer->detail);
	(void)json_get_bool(json, "adopted", &observer->adopted);
	(void)json_get_bool(json, "waiting_for_tls", &observer->waiting_for_tls);
	(void)json_get_bool(json, "payload", &observer->payload);
	(void)json_get_array(json, "programs", &observer->programs);
	observer->age_ms = int_of(json, "age_ms");
	observer->walk_ms = int_of(json, "walk_ms");
	observer->sockets = int_of(json, "sockets");
	observer->since_s = int_of(json, "since_s");
	observer->lost = int_of(json, "lost");
	observer->forgotten = int_of(json, "forgotten");
	for (size_t i = 0; i < json_length(observer->programs); i++) {
		bool attached = program_is_attached(observer, i, &name, &error);

		observer->n_attached += attached;
		observer->n_refused += !attached && *error;
	}
	return 0;
}

bool observer_is_incomplete(const struct observer *observer)
{
	return observer->n_refused || (observer->n_attached < json_length(observer->programs) &&
				       !observer->waiting_for_tls);
}

bool observer_has_problems(const struct observer *observer)
{
	return !observer->available || observer_is_incomplete(observer) || observer->lost > 0 ||
	       observer->forgotten > 0;
}

static void state_print(const struct observer *observer)
{
	if (!observer->available)
		text_field("Observer", STYLE_BAD, "does not work: %s%s%s",
			   observer->reason ? observer->reason : "no reason given",
			   observer->detail ? ": " : "", observer->detail ? observer->detail : "");
	else if (observer->age_ms < 0)
		text_field("Observer", STYLE_GOOD, "works");
	else
		text_field("Observer", STYLE_GOOD, "works, last walk %s ago",
			   text_age(observer->age_ms).s);
}

static void walk_print(const struct observer *observer)
{
	if (observer->sockets >= 0)
		text_field("Sockets", STYLE_PLAIN, "%s with kernel TLS",
			   text_count(observer->sockets).s);
	if (observer->walk_ms >= 0)
		text_field("Walk", STYLE_PLAIN, "took %s", text_age(observer->walk_ms).s);
}

static void detached_print(const struct observer *observer)
{
	const char *name, *error;

	for (size_t i = 0; i < json_length(observer->programs); i++)
		if (!program_is_attached(observer, i, &name, &error) && *error)
			text_field("", STYLE_WARN, "%s: %s", name, error);
}

static void programs_print(const struct observer *observer)
{
	size_t n = json_length(observer->programs);

	if (!observer->programs)
		return;
	if (observer->waiting_for_tls && observer->n_refused)
		text_field("Programs", STYLE_BAD,
			   "%zu of %zu attached, %zu refused; the others wait for the kernel's "
			   "module tls, which is not loaded",
			   observer->n_attached, n, observer->n_refused);
	else if (observer->waiting_for_tls)
		text_field("Programs", STYLE_WARN,
			   "%zu of %zu attached: the others wait for the kernel's module tls, "
			   "which is not loaded",
			   observer->n_attached, n);
	else
		text_field("Programs", observer_is_incomplete(observer) ? STYLE_BAD : STYLE_GOOD,
			   "%zu of %zu attached", observer->n_attached, n);
	detached_print(observer);
}

static void losses_print(const struct observer *observer)
{
	if (observer->lost < 0 && observer->forgotten < 0)
		return;
	text_field("Lost", observer->lost > 0 || observer->forgotten > 0 ? STYLE_BAD : STYLE_PLAIN,
		   "%s, %s forgotten",
		   text_plural(observer->lost < 0 ? 0 : observer->lost, "event").s,
		   text_plural(observer->forgotten < 0 ? 0 : observer->forgotten, "socket").s);
}

void observer_print(const struct observer *observer)
{
	state_print(observer);
	walk_print(observer);
	programs_print(observer);
	if (observer->since_s >= 0)
		text_field("Counting", STYLE_PLAIN, "for %s%s",
			   text_age(observer->since_s * MS_PER_S).s,
			   observer->adopted ? ", begun under an earlier ktlsd" : "");
	losses_print(observer);
	if (observer->programs)
		text_field("Payload", STYLE_PLAIN, "%s",
			   observer->payload ? "every byte is counted" :
					       "bytes are not counted: ktlsctl observe --payload "
					       "on");
}

void observer_print_summary(const struct observer *observer)
{
	state_print(observer);
	if (observer->n_attached < json_length(observer->programs))
		programs_print(observer);
}
