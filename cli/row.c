/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads connections. A member of the wrong type counts as unknown: json_complaint() keeps it. */
#include "cli/row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/reason.h"

static struct json *part_of(struct json *row, const char *of)
{
	struct json *part;

	if (!of)
		return row;
	return json_get_object(row, of, &part) ? NULL : part;
}

const char *row_string(struct json *row, const char *of, const char *key)
{
	struct json *part = part_of(row, of);
	const char *value = "";

	if (part)
		(void)json_get_string(part, key, &value);
	return value;
}

int64_t row_int(struct json *row, const char *of, const char *key)
{
	struct json *part = part_of(row, of);
	int64_t value = -1;

	if (part)
		(void)json_get_int(part, key, &value);
	return value;
}

bool row_is_ours(struct json *row)
{
	return !strcmp(row_string(row, NULL, "owner"), "ktlsd");
}

const char *row_owner(struct json *row)
{
	const char *comm;

	if (row_is_ours(row))
		return "ktlsd";
	comm = row_string(row, "process", "comm");
	if (!*comm)
		comm = row_string(row, "installer", "comm");
	return *comm ? comm : row_string(row, NULL, "owner");
}

int64_t row_pid(struct json *row)
{
	int64_t pid = row_int(row, "process", "pid");

	return pid >= 0 ? pid : row_int(row, "installer", "pid");
}

/* One that a newer ktlsd has may be anything, so it counts. */
static bool is_actionable(const char *wire)
{
	enum reason reason = reason_find(wire);

	return !reason || reason_class(reason) != REASON_CLASS_OK;
}

const char *row_reason(struct json *row, const char *direction)
{
	const char *reason = row_string(row, direction, "reason");

	if (*reason)
		return reason;
	reason = row_string(row, direction, "offload");
	return *reason && is_actionable(reason) ? reason : "";
}

int64_t row_sum(struct json *row, const char *key)
{
	int64_t tx = row_int(row, "tx", key), rx = row_int(row, "rx", key);

	return tx < 0 ? rx : rx < 0 ? tx : tx + rx;
}

/* "same", "tx:one rx:other", or "rx:one" */
static void both_print(const char *tx, const char *rx, char *cell, size_t size)
{
	if (*tx && !strcmp(tx, rx))
		snprintf(cell, size, "%s", tx);
	else if (*tx && *rx)
		snprintf(cell, size, "tx:%s rx:%s", tx, rx);
	else if (*tx || *rx)
		snprintf(cell, size, "%s:%s", *tx ? "tx" : "rx", *tx ? tx : rx);
}

void row_print_owner(struct json *row, char *cell, size_t size)
{
	snprintf(cell, size, "%s", row_owner(row));
}

static void number_print(int64_t n, char *cell, size_t size)
{
	if (n >= 0)
		snprintf(cell, size, "%" PRId64, n);
}

void row_print_pid(struct json *row, char *cell, size_t size)
{
	number_print(row_pid(row), cell, size);
}

void row_print_reason(struct json *row, char *cell, size_t size)
{
	both_print(row_reason(row, "tx"), row_reason(row, "rx"), cell, size);
}

void row_print_offload(struct json *row, char *cell, size_t size)
{
	both_print(row_string(row, "tx", "offload"), row_string(row, "rx", "offload"), cell, size);
}

void row_print_errors(struct json *row, char *cell, size_t size)
{
	int64_t errors = row_sum(row, "errors"), framing = row_sum(row, "framing_errors");

	number_print(errors < 0 ? framing : errors + (framing < 0 ? 0 : framing), cell, size);
}

void row_print_rekeys(struct json *row, char *cell, size_t size)
{
	number_print(row_sum(row, "rekeys"), cell, size);
}

void row_print_device(struct json *row, char *cell, size_t size)
{
	both_print(row_string(row, "tx", "device"), row_string(row, "rx", "device"), cell, size);
}
