/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole terminal: keys, lines with styles, and the terminal as it was afterwards, however the
 * program ends. The one module that uses ncurses. */
#ifndef KTLSD_CLI_SCREEN_H
#define KTLSD_CLI_SCREEN_H

#include <stdbool.h>

#include "cli/text.h"

/* Keys that are no characters. */
enum {
	SCREEN_KEY_NONE = -1, /* none waits */
	SCREEN_KEY_RESIZE = 0x1000,
	SCREEN_KEY_UP,
	SCREEN_KEY_DOWN,
	SCREEN_KEY_LEFT,
	SCREEN_KEY_RIGHT,
	SCREEN_KEY_PAGE_UP,
	SCREEN_KEY_PAGE_DOWN,
	SCREEN_KEY_HOME,
	SCREEN_KEY_END,
	SCREEN_KEY_ERASE,
	SCREEN_KEY_ENTER,
	SCREEN_KEY_ESCAPE,
	SCREEN_KEY_OTHER,
};

/* Takes the terminal: 0, -ENOTTY, or -ENODEV when its type is not known. From then on SIGINT,
 * SIGTERM, SIGHUP and SIGQUIT make screen_is_over() true instead of ending the program. */
int screen_open(void);

/* Gives it back; also done by exit(). */
void screen_close(void);

bool screen_is_over(void);

/* The next key, as a character or SCREEN_KEY_*; never waits. poll() stdin for them. */
int screen_key(void);

int screen_rows(void);
int screen_columns(void);

/* Begins a new picture, all blank. */
void screen_clear(void);

/* Puts text at a place, cut off at `width` and at the edge; what a terminal would obey is '?'. */
void screen_put(int row, int column, int width, enum style style, const char *text);

/* The same for a whole row in reverse. */
void screen_bar(int row, const char *text);

/* Shows the picture. */
void screen_show(void);

#endif
