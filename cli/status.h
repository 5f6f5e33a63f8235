/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reply to GetStatus, read once, and what is wrong in it. Prints nothing. */
#ifndef KTLSD_CLI_STATUS_H
#define KTLSD_CLI_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counters.h"
#include "cli/observer.h"

struct json;

/* Everything belongs to the reply. */
struct status {
	const char *version, *kernel, *crypto_library, *config;
	int64_t pid, uptime_s, workers, reloads;
	bool ktls, rekey;
	struct json *listeners, *reasons;
	struct json *limits; /* or NULL: an older ktlsd */
	struct json *probe;  /* the report that is kept beside, or NULL */

	struct observer observer;

	int64_t counters[COUNTER_COUNT]; /* -1: ktlsd does not count it */
};

/* 0 or -EINVAL: json_complaint() says what, or something is missing. */
int status_read(struct status *status, struct json *reply);

struct status_reason {
	const char *where; /* "tx", "rx" or "end" */
	const char *reason, *class;
	int64_t count;
};

/* The reasons that were counted, of ends or of fallbacks, the most frequent first: 0, -EINVAL or
 * -ENOMEM. *out is the caller's to free, also after a failure. */
int status_get_reasons(const struct status *status, bool ends, struct status_reason **out, int *n);

/* True if some listener's policy for the direction is not "off". */
bool status_wants_kernel(const struct status *status, const char *direction);

enum { STATUS_PROBLEMS_MAX = 16, STATUS_PROBLEM_LEN = 320 };

/* What to repair, a sentence each; ktlsctl(1) says by which rules. */
struct status_problems {
	int n;
	char text[STATUS_PROBLEMS_MAX][STATUS_PROBLEM_LEN];
};

/* 0, -EINVAL or -ENOMEM. */
int status_find_problems(const struct status *status, struct status_problems *problems);

#endif
