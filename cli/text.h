/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for people: numbers with units, wrapped paragraphs, colours, and nothing that a terminal
 * would obey. */
#ifndef KTLSD_CLI_TEXT_H
#define KTLSD_CLI_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_WARN, STYLE_BAD };

/* Looks once at the terminal and at NO_COLOR. */
void text_init(void);
bool text_has_colours(void);

/* The escape sequence that begins a style, also "" when there are no colours. */
const char *text_style(enum style style);
const char *text_style_end(void);

struct text_number {
	char s[48];
};

struct text_number text_count(int64_t n);		     /* "1,204,377" */
struct text_number text_plural(int64_t n, const char *noun); /* "1 reload", "12 reloads" */
struct text_number text_bytes(int64_t n);		     /* "1.2 GiB" */
struct text_number text_size(int64_t n);		     /* "1.2G", for tables */
struct text_number text_age(int64_t ms); /* "850ms", "12s", "3m05s", "2h13m", "4d02h" */
struct text_number text_percent(int64_t part, int64_t whole); /* "99 %"; "-" of nothing */

/*
 * Print on stdout; control characters come out as \xNN. text_paragraph() breaks lines at the
 * terminal's width and indents all of them; text_field() is "  label     value", wrapped below
 * its own column.
 */
void text_print(enum style style, const char *text);
bool text_is_plain(const char *text, size_t len); /* printable ASCII, which goes out as it is */
void text_paragraph(int indent, const char *text);
void text_bullet(enum style style, char mark, const char *text);
/* "! label     text", wrapped below its own column. */
void text_item(enum style style, char mark, const char *label, const char *text);
void text_heading(const char *heading);
void text_field(const char *label, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* One line on stderr, after "ktlsctl: "; a hint is a line that follows it. */
void text_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void text_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Lines that were diverted before. */
void text_pass_errors(const char *lines);

/* Where errors and hints go from now on, and where they went before; NULL is stderr. */
FILE *text_divert_errors(FILE *file);

#endif
