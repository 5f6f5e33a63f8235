/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the filters of the command line once, then judges rows. */
#include "cli/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/reason.h"
#include "base/state.h"
#include "base/util.h"
#include "cli/row.h"
#include "cli/suggest.h"
#include "cli/text.h"

/* The kernel cuts the names of processes off behind so many bytes. */
enum { COMM_LEN = 15 };

/* As many words as an error still lists. */
enum { CHOICES_MAX = 12 };

static const char *const modes[] = { "user", "kernel", "device", "none" };

static const char *mode_at(size_t i, const void *arg)
{
	(void)arg;
	return i < ARRAY_SIZE(modes) ? modes[i] : NULL;
}

static const char *reason_at(size_t i, const void *arg)
{
	(void)arg;
	return i + 1 < REASON_COUNT ? reason_name((enum reason)(i + 1)) : NULL;
}

static const char *state_at(size_t i, const void *arg)
{
	(void)arg;
	return i < CONN_N_STATES ? state_name((enum conn_state)i) : NULL;
}

/* Names all there are, or where to read them. */
static void choices_format(const char *(*candidate)(size_t i, const void *arg), char *text,
			   size_t size)
{
	size_t n = 0, at = 0;

	while (candidate(n, NULL))
		n++;
	if (n > CHOICES_MAX) {
		snprintf(text, size, "; 'ktlsctl explain' lists them");
		return;
	}
	for (size_t i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%s",
				       !i	  ? ": there are " :
				       i + 1 == n ? " and " :
						    ", ",
				       candidate(i, NULL));
}

/* Sets the term's word to one of a table: 0, or -EINVAL after saying what may be meant. */
static int word_choose(struct filter_term *term, const char *what,
		       const char *(*candidate)(size_t i, const void *arg))
{
	const char *name, *near;
	char choices[256];

	for (size_t i = 0; (name = candidate(i, NULL)); i++) {
		if (!suggest_compare(term->word, name)) {
			term->word = name;
			return 0;
		}
	}
	near = suggest_nearest(term->word, candidate, NULL);
	if (near) {
		text_error("there is no %s '%s'; did you mean '%s'?", what, term->word, near);
	} else {
		choices_format(candidate, choices, sizeof(choices));
		text_error("there is no %s '%s'%s", what, term->word, choices);
	}
	return -EINVAL;
}

/* Takes "tx:" off the word. */
static void direction_take(struct filter_term *term)
{
	if (!strncmp(term->word, "tx:", 3))
		term->direction = "tx";
	else if (!strncmp(term->word, "rx:", 3))
		term->direction = "rx";
	if (term->direction)
		term->word += 3;
}

static int endpoint_take(struct filter_term *term)
{
	if (!endpoint_parse_pattern(term->word, &term->endpoint))
		return 0;
	text_error("'%s' is not ADDRESS, ADDRESS:PORT, :PORT or NETWORK/BITS, without names",
		   term->word);
	return -EINVAL;
}

static int pid_take(struct filter_term *term)
{
	char *end;

	errno = 0;
	term->pid = strtoll(term->word, &end, 10);
	if (!errno && !*end && end != term->word && term->pid > 0)
		return 0;
	text_error("'%s' is no process id", term->word);
	return -EINVAL;
}

static int term_read(struct filter_term *term)
{
	switch (term->option) {
	case OPTION_MODE:
		direction_take(term);
		return word_choose(term, "mode", mode_at);
	case OPTION_REASON:
		direction_take(term);
		return word_choose(term, "reason", reason_at);
	case OPTION_STATE:
		return word_choose(term, "state", state_at);
	case OPTION_PEER:
	case OPTION_LOCAL:
		return endpoint_take(term);
	case OPTION_PID:
		return pid_take(term);
	default:
		return 0;
	}
}

static int list_read(struct filter *filter, unsigned option, char *list)
{
	char *word;
	int r = 0;

	while (!r && (word = strsep(&list, ","))) {
		if (filter->n == FILTER_TERMS_MAX) {
			text_error("there are too many filters");
			return -E2BIG;
		}
		filter->terms[filter->n] = (struct filter_term){ .option = option, .word = word };
		r = term_read(&filter->terms[filter->n++]);
	}
	return r;
}

int filter_init(struct filter *filter, const struct options *options)
{
	size_t len = 0;
	char *next;
	int r = 0;

	filter->n = 0;
	for (size_t i = 0; i < options->n_arguments; i++)
		len += strlen(options->arguments[i].text) + 1;
	filter->words = next = malloc(len + 1);
	if (!next) {
		text_error("out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < options->n_arguments && !r; i++) {
		if (!(options->arguments[i].bit & OPTION_FILTERS))
			continue;
		len = strlen(options->arguments[i].text) + 1;
		memcpy(next, options->arguments[i].text, len);
		r = list_read(filter, options->arguments[i].bit, next);
		next += len;
	}
	return r;
}

void filter_fini(struct filter *filter)
{
	free(filter->words);
}

bool filter_is_empty(const struct filter *filter)
{
	return !filter->n;
}

bool filter_wants_ours_only(const struct filter *filter)
{
	bool wants = false;

	for (size_t i = 0; i < filter->n; i++) {
		const struct filter_term *term = &filter->terms[i];

		/* listeners and states are ktlsd's */
		if (term->option == OPTION_OF_LISTENER || term->option == OPTION_STATE)
			return true;
		if (term->option == OPTION_OWNER && strcmp(term->word, "ktlsd") != 0)
			return false;
		wants |= term->option == OPTION_OWNER;
	}
	return wants;
}

static bool owner_matches(const char *word, struct json *row)
{
	const char *owner = row_owner(row);

	return !strcmp(word, "other") ? strcmp(owner, "ktlsd") != 0 :
					!strncmp(word, owner, COMM_LEN);
}

static bool direction_matches(const struct filter_term *term, struct json *row, const char *key)
{
	static const char *const directions[] = { "tx", "rx" };

	for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
		if ((!term->direction || !strcmp(term->direction, directions[i])) &&
		    !strcmp(term->word, row_string(row, directions[i], key)))
			return true;
	return false;
}

/* An event has its own reason. */
static bool reason_matches(const struct filter_term *term, struct json *row)
{
	return direction_matches(term, row, "reason") || direction_matches(term, row, "offload") ||
	       (!strcmp(term->word, row_string(row, NULL, "reason")) &&
		(!term->direction || !strcmp(term->direction, row_string(row, NULL, "direction"))));
}

static bool endpoint_is(const struct filter_term *term, struct json *row, const char *key)
{
	struct endpoint endpoint;

	return !endpoint_parse(row_string(row, NULL, key), &endpoint) &&
	       endpoint_matches(&term->endpoint, &endpoint);
}

static bool term_matches(const struct filter_term *term, struct json *row)
{
	switch (term->option) {
	case OPTION_OWNER:
		return owner_matches(term->word, row);
	case OPTION_OF_LISTENER:
		return !strcmp(term->word, row_string(row, NULL, "listener"));
	case OPTION_MODE:
		return direction_matches(term, row, "mode");
	case OPTION_REASON:
		return reason_matches(term, row);
	case OPTION_STATE:
		return !strcmp(term->word, row_string(row, NULL, "state"));
	case OPTION_PEER:
		return endpoint_is(term, row, "peer");
	case OPTION_LOCAL:
		return endpoint_is(term, row, "local");
	default:
		return row_int(row, "process", "pid") == term->pid ||
		       row_int(row, "installer", "pid") == term->pid;
	}
}

bool filter_matches(const struct filter *filter, struct json *row)
{
	unsigned wanted = 0, met = 0;

	for (size_t i = 0; i < filter->n; i++) {
		const struct filter_term *term = &filter->terms[i];

		wanted |= term->option;
		if (!(met & term->option) && term_matches(term, row))
			met |= term->option;
	}
	return wanted == met;
}
