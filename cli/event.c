/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of events: time, event, whose, direction, then what there is to say. */
#include "cli/event.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "bpf/errno_text.h"
#include "cli/row.h"
#include "cli/text.h"

enum { TIME_WIDTH = 12, EVENT_WIDTH = 11, COMM_WIDTH = 15, DIRECTION_WIDTH = 3 };
enum { DAY_LEN = 10, ERRNO_MAX = 4095, MEANING_MAX = 160 };

static const struct {
	const char *event;
	enum errno_place place;
} places[] = {
	{ "ulp", ERRNO_ULP },	    { "keys", ERRNO_KEYS },	{ "rekey", ERRNO_KEYS },
	{ "device", ERRNO_DEVICE }, { "error", ERRNO_RECEIVE }, { "framing", ERRNO_RECEIVE },
};

static int errno_find(const char *name)
{
	for (int error = 1; error < ERRNO_MAX; error++) {
		const char *candidate = strerrorname_np(error);

		if (candidate && !strcmp(candidate, name))
			return error;
	}
	return 0;
}

/* What an errno means there, up to the end of its first clause. */
static void meaning_find(const char *event, const char *direction, const char *name,
			 char meaning[static MEANING_MAX])
{
	const struct errno_text *text = NULL;
	int error = errno_find(name);

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (!strcmp(places[i].event, event))
			text = errno_text(!strcmp(event, "error") && !strcmp(direction, "tx") ?
						  ERRNO_SEND :
						  places[i].place,
					  error);
	snprintf(meaning, MEANING_MAX, "%s", text ? text->what : error ? strerror(error) : "");
	meaning[strcspn(meaning, ":;.")] = '\0';
}

/* Prints ", text", or "text" to nothing. */
static void part(bool *any, enum style style, const char *before, const char *text)
{
	if (!*text)
		return;
	printf("%s%s", *any ? ", " : "", before);
	text_print(style, text);
	*any = true;
}

static void error_print(bool *any, struct json *event)
{
	const char *error = row_string(event, NULL, "error");
	char meaning[MEANING_MAX];

	if (!*error)
		return;
	meaning_find(row_string(event, NULL, "event"), row_string(event, NULL, "direction"), error,
		     meaning);
	part(any, STYLE_BAD, "", error);
	if (*meaning) {
		printf(": ");
		text_print(STYLE_PLAIN, meaning);
	}
}

static void records_print(bool *any, struct json *event)
{
	int64_t tx = row_int(event, NULL, "tx_records"), rx = row_int(event, NULL, "rx_records");
	bool unsent = false;

	(void)json_get_bool(event, "unsent", &unsent);
	if (tx >= 0)
		part(any, STYLE_PLAIN, "sent ", text_plural(tx, "record").s);
	if (rx >= 0)
		part(any, STYLE_PLAIN, "received ", text_plural(rx, "record").s);
	if (unsent)
		part(any, STYLE_WARN, "", "bytes of an open record were never sent");
}

/* "1.3 aes-gcm-128" */
static void suite_print(bool *any, struct json *event)
{
	const char *version = row_string(event, NULL, "version");
	const char *cipher = row_string(event, NULL, "cipher");
	char suite[64];

	snprintf(suite, sizeof(suite), "%s%s%s", version, *version && *cipher ? " " : "", cipher);
	part(any, STYLE_PLAIN, "", suite);
}

static enum style mode_style(const char *mode)
{
	return !strcmp(mode, "device") ? STYLE_GOOD : STYLE_PLAIN;
}

static void details_print(struct json *event)
{
	const char *mode = row_string(event, NULL, "mode"), *peer = row_string(event, NULL, "peer");
	bool any = false;

	error_print(&any, event);
	part(&any, STYLE_BOLD, "", row_string(event, NULL, "reason"));
	part(&any, mode_style(mode), "", mode);
	part(&any, STYLE_PLAIN, "", row_string(event, NULL, "device"));
	records_print(&any, event);
	suite_print(&any, event);
	part(&any, STYLE_PLAIN, "", peer);
	putchar('\n');
}

static void word_print(const char *word, int width)
{
	int len = (int)strlen(word);

	text_print(STYLE_PLAIN, word);
	printf("%*s", len < width ? width - len + 1 : 1, "");
}

/* "2026-11-28T19:02:11.123Z" is two words here; what does not look so stays as it is. */
static void time_print(struct event_printer *printer, const char *time)
{
	const char *t = strchr(time, 'T');
	char clock[TIME_WIDTH + 1];

	if (!t || t - time != DAY_LEN) {
		word_print(time, TIME_WIDTH);
		return;
	}
	if (strncmp(printer->day, time, DAY_LEN) != 0) {
		snprintf(printer->day, sizeof(printer->day), "%.*s", DAY_LEN, time);
		text_print(STYLE_DIM, printer->day);
		printf("%s, UTC%s\n", text_style(STYLE_DIM), text_style_end());
	}
	snprintf(clock, sizeof(clock), "%.*s", (int)strcspn(t + 1, "Z+"), t + 1);
	word_print(clock, TIME_WIDTH);
}

void event_print(struct event_printer *printer, struct json *event)
{
	const char *comm = row_string(event, "process", "comm");
	const char *direction = row_string(event, NULL, "direction");

	time_print(printer, row_string(event, NULL, "time"));
	word_print(row_string(event, NULL, "event"), EVENT_WIDTH);
	word_print(*comm ? comm : "-", COMM_WIDTH);
	word_print(*direction ? direction : "-", DIRECTION_WIDTH);
	details_print(event);
}
