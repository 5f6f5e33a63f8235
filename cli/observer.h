/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The observer as the API describes it (type Observer), read once. */
#ifndef KTLSD_CLI_OBSERVER_H
#define KTLSD_CLI_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

/* Everything belongs to the reply. Numbers are -1, and strings NULL, where they are not known. */
struct observer {
	bool available;
	const char *reason, *detail;
	int64_t age_ms, walk_ms, sockets, since_s, lost, forgotten;
	bool adopted, waiting_for_tls, payload;
	struct json *programs; /* or NULL */
	size_t n_attached;
	size_t n_refused; /* not attached, and not for want of the module tls */
};

/* From the member "observer" of a reply: 0 or -EINVAL (json_complaint()). */
int observer_read(struct observer *observer, struct json *reply);

/* True if something of it does not work, or was lost. */
bool observer_has_problems(const struct observer *observer);

/* True if a program is not attached that could be: tls is there. */
bool observer_is_incomplete(const struct observer *observer);

/* Its state as fields of a screen: all, or in short. */
void observer_print(const struct observer *observer);
void observer_print_summary(const struct observer *observer);

#endif
