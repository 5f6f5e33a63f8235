/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Draws the visible rows of a sample only, so that a picture costs the same of ten thousand. */
#include "cli/view.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/column.h"
#include "cli/sample.h"
#include "cli/screen.h"
#include "cli/table.h"

enum { HEADER_ROWS = 3, FOOTER_ROWS = 1, LINE_MAX_LEN = 512 };

static const char *const help_lines[] = {
	"q          quit",
	"p, space   stop and go on",
	"o          only this owner: ktlsd, other, or a process; empty for all",
	"/          only rows that have this text: an address, a reason, a cipher ...",
	"< and >    sort by the key before or behind: bytes/s, records/s, bytes,",
	"           records, errors, age, owner, mode, cookie",
	"r          reverse the order",
	"arrows, page up and down, home, end: move; left and right go by columns",
	"h, ?       this help; any key goes back",
};

void view_fini(struct view *view)
{
	free(view->rows);
}

static bool owner_is_shown(const struct view *view, const struct sample_row *row)
{
	if (!strcmp(view->owner, "other"))
		return strcmp(row->owner, "ktlsd") != 0;
	return !*view->owner || !strncmp(row->owner, view->owner, strlen(view->owner));
}

int view_choose(struct view *view, const struct sample *sample)
{
	const struct sample_row **rows = reallocarray(view->rows, sample->n + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	view->rows = rows;
	view->n = 0;
	for (size_t i = 0; i < sample->n; i++) {
		const struct sample_row *row = &sample->rows[i];

		if (owner_is_shown(view, row) && (!*view->text || strstr(row->text, view->text)))
			rows[view->n++] = row;
	}
	sample_sort(rows, view->n, view->sort, view->reverse);
	return 0;
}

static size_t page_size(void)
{
	int rows = screen_rows() - HEADER_ROWS - FOOTER_ROWS;

	return rows > 0 ? (size_t)rows : 1;
}

/* The key so many places on. */
static const char *sort_step(const char *sort, size_t step)
{
	size_t n = 0, at = 0;

	for (const char *key; (key = sample_key(n, NULL)); n++)
		if (!strcmp(key, sort))
			at = n;
	return sample_key((at + n + step) % n, NULL);
}

static void typing_begin(struct view *view, char *word)
{
	view->typing = word;
	snprintf(view->before, sizeof(view->before), "%s", word);
	word[0] = '\0';
}

static bool typing_key(struct view *view, int key)
{
	size_t len = strlen(view->typing);

	switch (key) {
	case SCREEN_KEY_ENTER:
		view->typing = NULL;
		break;
	case SCREEN_KEY_ESCAPE:
		snprintf(view->typing, VIEW_WORD_MAX, "%s", view->before);
		view->typing = NULL;
		break;
	case SCREEN_KEY_ERASE:
		if (len)
			view->typing[len - 1] = '\0';
		break;
	default:
		if (key < SCREEN_KEY_RESIZE && len + 1 < VIEW_WORD_MAX) {
			view->typing[len] = (char)key;
			view->typing[len + 1] = '\0';
		}
	}
	view->first = 0;
	return true;
}

static void move(struct view *view, int key)
{
	size_t page = page_size();

	switch (key) {
	case SCREEN_KEY_UP:
		view->first -= view->first ? 1 : 0;
		break;
	case SCREEN_KEY_DOWN:
		view->first++;
		break;
	case SCREEN_KEY_LEFT:
		view->first_column -= view->first_column ? 1 : 0;
		break;
	case SCREEN_KEY_RIGHT:
		view->first_column += table_column(view->table, view->first_column + 1) ? 1 : 0;
		break;
	case SCREEN_KEY_PAGE_UP:
		view->first -= MIN_OF(view->first, page);
		break;
	case SCREEN_KEY_PAGE_DOWN:
		view->first += page;
		break;
	case SCREEN_KEY_HOME:
		view->first = 0;
		break;
	case SCREEN_KEY_END:
		view->first = view->n;
		break;
	case SCREEN_KEY_RESIZE:
		memset(view->widths, 0, sizeof(view->widths));
		break;
	default:
		break;
	}
}

bool view_key(struct view *view, int key)
{
	if (view->typing)
		return typing_key(view, key);
	if (view->help) {
		view->help = false;
		return false;
	}
	switch (key) {
	case 'q':
		view->over = true;
		return false;
	case 'h':
	case '?':
		view->help = true;
		return false;
	case 'p':
	case ' ':
		view->paused = !view->paused;
		return false;
	case 'o':
		typing_begin(view, view->owner);
		return true;
	case '/':
		typing_begin(view, view->text);
		return true;
	case 'r':
		view->reverse = !view->reverse;
		return true;
	case '<':
		view->sort = sort_step(view->sort, (size_t)-1);
		return true;
	case '>':
		view->sort = sort_step(view->sort, 1);
		return true;
	default:
		move(view, key);
		return false;
	}
}

static void summary_draw(const struct view *view, const struct sample *sample)
{
	char line[LINE_MAX_LEN], clock[16] = "";
	time_t now = time(NULL);
	struct tm tm;
	size_t at;

	if (localtime_r(&now, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	at = (size_t)snprintf(line, sizeof(line), "%s  %s, sending:", clock,
			      text_plural((int64_t)sample->n, "socket").s);
	for (int i = 0; i < SAMPLE_N_MODES; i++)
		at += (size_t)snprintf(line + at, sizeof(line) - at, " %s %s",
				       text_count((int64_t)sample->sending[i]).s,
				       sample_mode_name(i));
	screen_put(0, 0, screen_columns(), STYLE_BOLD, line);
	snprintf(line, sizeof(line), "by %s%s%s%s%s%s%s%s", view->sort,
		 view->reverse ? ", reversed" : "", *view->owner ? ", owner " : "", view->owner,
		 *view->text ? ", with " : "", view->text, view->n != sample->n ? ", shown: " : "",
		 view->n != sample->n ? text_count((int64_t)view->n).s : "");
	screen_put(1, 0, screen_columns(), STYLE_DIM, line);
	if (view->paused)
		screen_put(1, (int)strlen(line) + 2, screen_columns(), STYLE_WARN, "stopped");
	if (*sample->errors)
		screen_put(1, 0, screen_columns(), STYLE_BAD, sample->errors);
}

static void footer_draw(const struct view *view)
{
	char line[LINE_MAX_LEN];

	if (view->typing)
		snprintf(line, sizeof(line), "%s: %s_",
			 view->typing == view->owner ? "owner" : "text", view->typing);
	else
		snprintf(line, sizeof(line),
			 "q quit  h help  p stop  < > sort  r reverse  o owner  / text");
	screen_bar(screen_rows() - 1, line);
}

/* The cells of the visible rows: column by column of each row. */
struct page {
	size_t n_rows, n_columns;
	char (*cells)[COLUMN_CELL_MAX];
};

static char *cell_at(const struct page *page, size_t row, size_t column)
{
	return page->cells[row * page->n_columns + column];
}

static void page_fill(const struct view *view, struct page *page)
{
	for (size_t i = 0; i < page->n_rows; i++) {
		_cleanup_json_ struct json *row = sample_row_open(view->rows[view->first + i]);

		for (size_t j = 0; j < page->n_columns; j++) {
			cell_at(page, i, j)[0] = '\0';
			if (row)
				(void)column_print(table_column(view->table, j), row,
						   cell_at(page, i, j));
		}
	}
}

/* Columns grow and never shrink, so that they stand still. */
static void widths_grow(struct view *view, const struct page *page)
{
	for (size_t j = 0; j < page->n_columns; j++) {
		const struct column *column = table_column(view->table, j);
		int widest = 0;

		for (size_t i = 0; i < page->n_rows; i++)
			if ((int)strlen(cell_at(page, i, j)) > widest)
				widest = (int)strlen(cell_at(page, i, j));
		if (!widest && (view->widths[j] || column->flags & COLUMN_IF_KNOWN))
			continue;
		if (widest < (int)strlen(column->name))
			widest = (int)strlen(column->name);
		if (widest > view->widths[j])
			view->widths[j] = widest;
	}
}

static void cell_draw(int row, int at, int width, bool right, enum style style, const char *cell)
{
	int len = (int)strlen(cell);

	screen_put(row, right && len < width ? at + width - len : at, width, style, cell);
}

static void page_draw(const struct view *view, const struct page *page)
{
	char heading[LINE_MAX_LEN];
	int at = 0;

	memset(heading, ' ', sizeof(heading) - 1);
	heading[sizeof(heading) - 1] = '\0';
	for (size_t j = view->first_column; j < page->n_columns && at < screen_columns(); j++) {
		const struct column *column = table_column(view->table, j);
		bool right = column_is_right_aligned(column->format);
		int width = view->widths[j], len = (int)strlen(column->name);

		if (!width)
			continue;
		for (int i = 0; i < len && at + width < LINE_MAX_LEN; i++)
			heading[at + (right ? width - len : 0) + i] =
				(char)toupper((unsigned char)column->name[i]);
		for (size_t i = 0; i < page->n_rows; i++) {
			const char *cell = cell_at(page, i, j);

			cell_draw(HEADER_ROWS + (int)i, at, width, right,
				  column_style(column->format, cell), *cell ? cell : "-");
		}
		at += width + 1;
	}
	screen_bar(HEADER_ROWS - 1, heading);
}

static void rows_draw(struct view *view)
{
	size_t left, size = page_size();
	struct page page = { 0 };

	if (view->first + size > view->n)
		view->first = view->n > size ? view->n - size : 0;
	left = view->n - view->first;
	page.n_rows = MIN_OF(left, size);
	while (page.n_columns < VIEW_COLUMNS_MAX && table_column(view->table, page.n_columns))
		page.n_columns++;
	page.cells = calloc(page.n_rows * page.n_columns + 1, sizeof(*page.cells));
	if (!page.cells)
		return;
	page_fill(view, &page);
	widths_grow(view, &page);
	page_draw(view, &page);
	free(page.cells);
}

void view_draw(struct view *view, const struct sample *sample)
{
	screen_clear();
	summary_draw(view, sample);
	if (view->help)
		for (size_t i = 0; i < ARRAY_SIZE(help_lines); i++)
			screen_put(HEADER_ROWS + (int)i, 2, screen_columns(), STYLE_PLAIN,
				   help_lines[i]);
	else
		rows_draw(view);
	footer_draw(view);
	screen_show();
}
