/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl top: the table of `list`, with rates, again and again. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/util.h"
#include "base/value.h"
#include "cli/commands.h"
#include "cli/connections.h"
#include "cli/filter.h"
#include "cli/listeners.h"
#include "cli/sample.h"
#include "cli/sampler.h"
#include "cli/screen.h"
#include "cli/suggest.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/view.h"

struct top {
	const struct options *options;
	struct filter filter;
	uint64_t delay_ms;
	uint64_t count; /* 0: no end */
	const char *sort;
};

/* "2s", or seconds as a plain number. */
static int delay_read(struct top *top)
{
	const char *text = options_argument(top->options, OPTION_DELAY);

	top->delay_ms = 2 * MS_PER_S;
	if (!text)
		return 0;
	if (!value_parse_number(text, &top->delay_ms) && top->delay_ms < UINT32_MAX)
		top->delay_ms *= MS_PER_S;
	else if (value_parse_duration(text, &top->delay_ms))
		top->delay_ms = 0;
	if (top->delay_ms && top->delay_ms <= INT32_MAX)
		return 0;
	text_error("--delay expects a duration such as 2s or 500ms, not '%s'", text);
	return -EINVAL;
}

static int sort_read(struct top *top)
{
	const char *key = options_argument(top->options, OPTION_SORT), *near;

	top->sort = sample_key(0, NULL);
	if (!key)
		return 0;
	for (size_t i = 0; (near = sample_key(i, NULL)); i++) {
		if (!suggest_compare(key, near)) {
			top->sort = near;
			return 0;
		}
	}
	near = suggest_nearest(key, sample_key, NULL);
	text_error("there is no sort key '%s'%s%s%s", key, near ? "; did you mean '" : "",
		   near ? near : "", near ? "'?" : "");
	return -EINVAL;
}

/* Of the first sample only: a listener may go while top runs. */
static void listeners_look(const struct top *top, struct sample *sample)
{
	bool seen[FILTER_TERMS_MAX] = { false };

	for (size_t i = 0; i < sample->n; i++)
		listeners_note(&top->filter, seen, sample->rows[i].text, sample->rows[i].len);
	if (sample->code == EXIT_FINE)
		sample->code = listeners_check(top->options, &top->filter, seen);
}

static struct sample *take(struct top *top, const struct sample *before)
{
	struct sample *sample = sample_take(top->options, &top->filter, before);

	if (!sample) {
		text_error("out of memory");
		return NULL;
	}
	fputs(sample->errors, stderr);
	if (!before)
		listeners_look(top, sample);
	return sample;
}

static int batch_print(const struct top *top, const struct sample *sample)
{
	_cleanup_table_ struct table *table = table_new(&connections_rates_listing, top->options);
	struct view view = { .table = table, .sort = top->sort };
	int r = table ? view_choose(&view, sample) : -ECANCELED;

	for (size_t i = 0; i < view.n && !r; i++) {
		_cleanup_json_ struct json *row = sample_row_open(view.rows[i]);

		r = row ? table_add(table, row) : -ENOMEM;
	}
	if (!r)
		r = table_print(table);
	fflush(stdout);
	view_fini(&view);
	return r;
}

static void pause_ms(uint64_t ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / MS_PER_S),
			      .tv_nsec = (long)(ms % MS_PER_S * NS_PER_MS) };

	nanosleep(&t, NULL);
}

static enum exit_code batch(struct top *top)
{
	struct sample *before = NULL, *sample;
	enum exit_code code = EXIT_FINE;

	for (uint64_t i = 0;
	     code == EXIT_FINE && !ferror(stdout) && (!top->count || i < top->count); i++) {
		if (i) {
			pause_ms(top->delay_ms);
			putchar('\n');
		}
		sample = take(top, before);
		sample_free(before);
		before = sample;
		code = sample ? sample->code : EXIT_FAILED;
		if (code == EXIT_FINE && batch_print(top, sample))
			code = EXIT_FAILED;
	}
	sample_free(before);
	return code;
}

static int left_ms(uint64_t due_ns)
{
	uint64_t now = now_ns();

	return due_ns > now ? (int)((due_ns - now + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

/* Waits for a key, a sample, or the time for the next; true: a sample is there. */
static bool wait_for(const struct sampler *sampler, const struct view *view, uint64_t due_ns)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				{ .fd = sampler->fd, .events = POLLIN } };
	bool idle = view->paused || sampler->running;

	poll(fds, ARRAY_SIZE(fds), idle ? -1 : left_ms(due_ns));
	return fds[1].revents & POLLIN;
}

/* Takes the keys that wait, and draws. */
static int keys_take(struct view *view, const struct sample *sample, bool changed)
{
	int key, r = 0;

	while (!view->over && (key = screen_key()) != SCREEN_KEY_NONE)
		changed |= view_key(view, key);
	if (changed)
		r = view_choose(view, sample);
	if (!r)
		view_draw(view, sample);
	return r;
}

static int loop(struct top *top, struct view *view, struct sampler *sampler, struct sample **sample)
{
	uint64_t due_ns = now_ns() + top->delay_ms * NS_PER_MS, n = 1;
	int r = keys_take(view, *sample, true);

	while (!r && !view->over && !screen_is_over()) {
		bool changed = wait_for(sampler, view, due_ns);

		if (changed) {
			struct sample *taken = sampler_finish(sampler);

			if (!taken)
				return -ENOMEM;
			sample_free(*sample);
			*sample = taken;
			due_ns = now_ns() + top->delay_ms * NS_PER_MS;
			if (top->count && ++n >= top->count)
				return 0;
		} else if (!view->paused && now_ns() >= due_ns) {
			r = sampler_start(sampler, *sample);
		}
		if (!r)
			r = keys_take(view, *sample, changed);
	}
	return r;
}

/* The terminal is somebody's: a first sample before it is taken, so that what fails is said. */
static enum exit_code interactive(struct top *top)
{
	const struct options columns = { .columns = top->options->columns };
	_cleanup_table_ struct table *table = table_new(&connections_rates_listing, &columns);
	struct view view = { .table = table, .sort = top->sort };
	struct sample *sample = table ? take(top, NULL) : NULL;
	enum exit_code code = sample ? sample->code : EXIT_FAILED;
	struct sampler sampler = { .fd = -1 };
	int r = code == EXIT_FINE ? sampler_init(&sampler, top->options, &top->filter) : 0;

	if (code == EXIT_FINE && !r) {
		r = screen_open();
		if (r)
			text_error("top needs a terminal%s; --batch does without",
				   r == -ENODEV ? " of a known type (TERM)" : "");
		else
			r = loop(top, &view, &sampler, &sample);
		screen_close();
		if (sampler.running)
			sample_free(sampler_finish(&sampler));
	}
	fd_close(&sampler.fd);
	view_fini(&view);
	sample_free(sample);
	return code == EXIT_FINE && r ? EXIT_FAILED : code;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
	struct top top = { .options = options };
	enum exit_code code = EXIT_FAILED;

	(void)argc, (void)argv;
	if (!filter_init(&top.filter, options) && !delay_read(&top) && !sort_read(&top) &&
	    !options_number(options, OPTION_COUNT, &top.count))
		code = options->given & OPTION_BATCH ? batch(&top) : interactive(&top);
	filter_fini(&top.filter);
	return code;
}

const struct command cmd_top = {
	.name = "top",
	.arguments = "",
	.summary = "the busiest connections, live",
	.about = "Shows the table of 'ktlsctl list' with records and bytes in a second, again and "
		 "again. Keys: q quit, h help, p stop, < and > sort key, r reverse, o owner, / "
		 "text, "
		 "arrows. Sort keys: bytes/s (the default), records/s, bytes, records, errors, "
		 "age, "
		 "owner, mode, cookie.",
	.options = OPTION_COLUMNS | OPTION_NO_HEADINGS | OPTION_FROM | OPTION_OWN | OPTION_FILTERS |
		   OPTION_NAMESPACES | OPTION_SORT | OPTION_BATCH | OPTION_COUNT | OPTION_DELAY,
	.listing = &connections_rates_listing,
	.run = run,
};
