/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal by ncurses. */
#include "cli/screen.h"

#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

enum { ESCAPE = 27, CTRL_H = 8, CTRL_L = 12, DELETE = 127, ESCAPE_DELAY_MS = 25 };

/* Colour pairs are numbered like styles. */
static const struct {
	enum style style;
	short colour;
	attr_t attributes;
} styles[] = {
	{ STYLE_GOOD, COLOR_GREEN, A_NORMAL },
	{ STYLE_WARN, COLOR_YELLOW, A_NORMAL },
	{ STYLE_BAD, COLOR_RED, A_BOLD },
};

static const struct {
	int curses, key;
} keys[] = {
	{ KEY_RESIZE, SCREEN_KEY_RESIZE },   { KEY_UP, SCREEN_KEY_UP },
	{ KEY_DOWN, SCREEN_KEY_DOWN },	     { KEY_LEFT, SCREEN_KEY_LEFT },
	{ KEY_RIGHT, SCREEN_KEY_RIGHT },     { KEY_PPAGE, SCREEN_KEY_PAGE_UP },
	{ KEY_NPAGE, SCREEN_KEY_PAGE_DOWN }, { KEY_HOME, SCREEN_KEY_HOME },
	{ KEY_END, SCREEN_KEY_END },	     { KEY_BACKSPACE, SCREEN_KEY_ERASE },
	{ CTRL_H, SCREEN_KEY_ERASE },	     { DELETE, SCREEN_KEY_ERASE },
	{ KEY_ENTER, SCREEN_KEY_ENTER },     { '\n', SCREEN_KEY_ENTER },
	{ '\r', SCREEN_KEY_ENTER },	     { ESCAPE, SCREEN_KEY_ESCAPE },
};

static SCREEN *terminal;
static volatile sig_atomic_t over;

static void end(int signal)
{
	(void)signal;
	over = 1;
}

static void signals_take(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	/* without SA_RESTART: poll() shall return */
	struct sigaction action = { .sa_handler = end };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

static void colours_init(void)
{
	if (!text_has_colours() || start_color() == ERR)
		return;
	use_default_colors();
	for (size_t i = 0; i < ARRAY_SIZE(styles); i++)
		init_pair((short)styles[i].style, styles[i].colour, -1);
}

int screen_open(void)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -ENOTTY;
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return -ENODEV;
	atexit(screen_close);
	signals_take();
	colours_init();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_DELAY_MS);
	curs_set(0);
	return 0;
}

void screen_close(void)
{
	if (!terminal)
		return;
	endwin();
	delscreen(terminal);
	terminal = NULL;
}

bool screen_is_over(void)
{
	return over;
}

int screen_key(void)
{
	int c = getch();

	if (c == ERR)
		return SCREEN_KEY_NONE;
	if (c == CTRL_L) {
		clearok(curscr, TRUE);
		return SCREEN_KEY_RESIZE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].curses == c)
			return keys[i].key;
	return c >= ' ' && c < DELETE ? c : SCREEN_KEY_OTHER;
}

int screen_rows(void)
{
	return getmaxy(stdscr);
}

int screen_columns(void)
{
	return getmaxx(stdscr);
}

void screen_clear(void)
{
	erase();
}

static void style_set(enum style style)
{
	attrset(style == STYLE_BOLD ? A_BOLD : style == STYLE_DIM ? A_DIM : A_NORMAL);
	for (size_t i = 0; i < ARRAY_SIZE(styles) && text_has_colours(); i++)
		if (styles[i].style == style)
			attrset((attr_t)COLOR_PAIR(style) | styles[i].attributes);
}

static void put(int row, int column, int width, const char *text)
{
	int room = screen_columns() - column;

	if (row < 0 || row >= screen_rows() || move(row, column) == ERR)
		return;
	for (int i = 0; text[i] && i < MIN_OF(width, room); i++)
		addch(text[i] >= ' ' && text[i] < DELETE ? (chtype)text[i] : (chtype)'?');
}

void screen_put(int row, int column, int width, enum style style, const char *text)
{
	style_set(style);
	put(row, column, width, text);
	attrset(A_NORMAL);
}

void screen_bar(int row, const char *text)
{
	attrset(A_REVERSE);
	for (int i = 0; row >= 0 && row < screen_rows() && i < screen_columns(); i++)
		mvaddch(row, i, ' ');
	put(row, 0, screen_columns(), text);
	attrset(A_NORMAL);
}

void screen_show(void)
{
	refresh();
}
