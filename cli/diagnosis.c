/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the lines of a report and prints them, for people and as JSON. */
#include "cli/diagnosis.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/text.h"

enum { LINES_MAX = 256 };

struct line {
	enum diagnosis_result result;
	const char *subject; /* a literal */
	char *text;	     /* owned */
	char *advice;	     /* owned, or NULL */
};

struct diagnosis {
	bool failed; /* memory ran out */
	char advice[1024];
	size_t n;
	struct line lines[LINES_MAX];
};

static const struct {
	const char *name;
	char mark;
	enum style style;
} results[] = {
	[DIAGNOSIS_OK] = { "ok", '+', STYLE_GOOD },
	[DIAGNOSIS_FINDING] = { "finding", '!', STYLE_BAD },
	[DIAGNOSIS_NOTE] = { "note", '-', STYLE_PLAIN },
	[DIAGNOSIS_UNKNOWN] = { "unknown", '?', STYLE_WARN },
};

struct diagnosis *diagnosis_new(void)
{
	return calloc(1, sizeof(struct diagnosis));
}

void diagnosis_free(struct diagnosis *d)
{
	for (size_t i = 0; d && i < d->n; i++) {
		free(d->lines[i].text);
		free(d->lines[i].advice);
	}
	free(d);
}

void diagnosis_cleanup(struct diagnosis **d)
{
	diagnosis_free(*d);
}

void diagnosis_add(struct diagnosis *d, enum diagnosis_result result, const char *subject,
		   const char *advice, const char *format, ...)
{
	struct line *line = &d->lines[d->n];
	va_list args;

	if (d->n == LINES_MAX)
		return;
	va_start(args, format);
	if (vasprintf(&line->text, format, args) < 0)
		line->text = NULL;
	va_end(args);
	if (advice && asprintf(&line->advice, "%s", advice) < 0)
		line->advice = NULL;
	d->failed |= !line->text || (advice && !line->advice);
	line->result = result;
	line->subject = subject;
	d->n++;
}

const char *diagnosis_advice_for(struct diagnosis *d, const char *advice, const char *device)
{
	const char *next;
	size_t at = 0;

	if (!advice || !*device)
		return advice;
	d->advice[0] = '\0';
	for (; (next = strstr(advice, "DEV")) && at < sizeof(d->advice);
	     advice = next + strlen("DEV"))
		at += (size_t)snprintf(d->advice + at, sizeof(d->advice) - at, "%.*s%s",
				       (int)(next - advice), advice, device);
	if (at < sizeof(d->advice))
		snprintf(d->advice + at, sizeof(d->advice) - at, "%s", advice);
	return d->advice;
}

size_t diagnosis_count_findings(const struct diagnosis *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += d->lines[i].result == DIAGNOSIS_FINDING;
	return n;
}

static void verdict_print(const struct diagnosis *d)
{
	size_t n = diagnosis_count_findings(d), unknown = 0;

	for (size_t i = 0; i < d->n; i++)
		unknown += d->lines[i].result == DIAGNOSIS_UNKNOWN;
	printf("\n%s%s%s", text_style(n ? STYLE_BAD : STYLE_GOOD),
	       n ? text_plural((int64_t)n, "finding").s : "No findings", text_style_end());
	if (unknown)
		printf(", %s could not be looked at", text_plural((int64_t)unknown, "thing").s);
	puts(".");
}

static void advice_print(const char *advice)
{
	_cleanup_free_ char *text = NULL;

	if (asprintf(&text, "What to do: %s", advice) >= 0)
		text_item(STYLE_PLAIN, ' ', "", text);
}

int diagnosis_print(const struct diagnosis *d)
{
	const char *last = "";

	if (d->failed)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++) {
		const struct line *line = &d->lines[i];

		/* literals: the same subject is the same pointer, or another section */
		text_item(results[line->result].style, results[line->result].mark,
			  line->subject == last ? "" : line->subject, line->text);
		if (line->advice)
			advice_print(line->advice);
		last = line->subject;
	}
	verdict_print(d);
	return 0;
}

int diagnosis_print_json(const struct diagnosis *d)
{
	_cleanup_json_ struct json *report = json_new(), *lines = json_new_array();
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; i < d->n; i++) {
		const struct line *line = &d->lines[i];
		struct json *o = json_new();

		json_set_string(o, "subject", line->subject);
		json_set_string(o, "result", results[line->result].name);
		json_set_string(o, "text", line->text);
		json_set_string(o, "advice", line->advice);
		json_append(lines, o);
	}
	json_set_int(report, "findings", (int64_t)diagnosis_count_findings(d));
	json_set(report, "lines", lines);
	lines = NULL;
	text = d->failed ? NULL : json_print(report);
	if (!text)
		return -ENOMEM;
	puts(text);
	return 0;
}
