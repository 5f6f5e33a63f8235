/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts connections, one row at a time. */
#include "cli/census.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/row.h"

static enum census_mode mode_of(struct json *row, const char *direction)
{
	static const char *const names[] = { "user", "kernel", "device" };
	const char *mode = row_string(row, direction, "mode");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(mode, names[i]))
			return (enum census_mode)i;
	return CENSUS_NONE;
}

static struct census_owner *owner_find(struct census *census, const char *name)
{
	for (int i = 0; i < census->n_owners; i++)
		if (!strcmp(census->owners[i].name, name))
			return &census->owners[i];
	if (census->n_owners == CENSUS_OWNERS_MAX)
		return &census->owners[CENSUS_OWNERS_MAX - 1];
	if (census->n_owners == CENSUS_OWNERS_MAX - 1)
		name = "others";
	snprintf(census->owners[census->n_owners].name, sizeof(census->owners[0].name), "%s", name);
	return &census->owners[census->n_owners++];
}

static struct census_reason *reason_find_or_add(struct census *census, const char *direction,
						const char *wire, const char *error)
{
	struct census_reason *reason;

	for (int i = 0; i < census->n_reasons; i++) {
		reason = &census->reasons[i];
		if (!strcmp(reason->direction, direction) && !strcmp(reason->wire, wire) &&
		    !strcmp(reason->error, error))
			return reason;
	}
	if (census->n_reasons == CENSUS_REASONS_MAX)
		return NULL;
	reason = &census->reasons[census->n_reasons++];
	snprintf(reason->direction, sizeof(reason->direction), "%s", direction);
	snprintf(reason->wire, sizeof(reason->wire), "%s", wire);
	snprintf(reason->error, sizeof(reason->error), "%s", error);
	return reason;
}

static void reason_count(struct census *census, struct json *row, const char *direction,
			 const char *key, const char *error_key)
{
	const char *wire = row_string(row, direction, key), *device;
	struct census_reason *reason;

	if (!*wire)
		return;
	reason = reason_find_or_add(census, direction, wire, row_string(row, direction, error_key));
	if (!reason)
		return;
	if (!reason->n++) {
		device = row_string(row, direction, "device");
		reason->cookie = row_int(row, NULL, "cookie");
		snprintf(reason->device, sizeof(reason->device), "%s",
			 *device ? device : row_string(row, NULL, "egress"));
	}
}

static void health_count(struct census *census, struct json *row)
{
	bool sockmap = false;

	(void)json_get_bool(row, "sockmap", &sockmap);
	census->n_sockmap += sockmap;
	census->n_old += row_int(row, NULL, "since_ms") < 0 && row_sum(row, "records") >= 0;
	if (row_sum(row, "errors") > 0 || row_sum(row, "framing_errors") > 0) {
		if (!census->n_failing++)
			census->failing_cookie = row_int(row, NULL, "cookie");
	}
}

void census_add(struct census *census, struct json *row)
{
	struct census_owner *owner = owner_find(census, row_owner(row));

	census->n++;
	owner->n++;
	owner->sending[mode_of(row, "tx")]++;
	owner->receiving[mode_of(row, "rx")]++;
	reason_count(census, row, "tx", "reason", "errno");
	reason_count(census, row, "rx", "reason", "errno");
	reason_count(census, row, "tx", "offload", "offload_errno");
	reason_count(census, row, "rx", "offload", "offload_errno");
	health_count(census, row);
}

static int owner_compare(const void *a, const void *b)
{
	const struct census_owner *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->name, y->name);
}

static int reason_compare(const void *a, const void *b)
{
	const struct census_reason *x = a, *y = b;
	int by_name = strcmp(x->wire, y->wire);

	if (x->n != y->n)
		return (x->n < y->n) - (x->n > y->n);
	return by_name ? by_name : strcmp(y->direction, x->direction);
}

void census_sort(struct census *census)
{
	qsort(census->owners, (size_t)census->n_owners, sizeof(census->owners[0]), owner_compare);
	qsort(census->reasons, (size_t)census->n_reasons, sizeof(census->reasons[0]),
	      reason_compare);
}
