/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for people, on stdout and stderr. */
#include "cli/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/util.h"

enum { WIDTH_DEFAULT = 80, WIDTH_MIN = 40, WIDTH_MAX = 120, FIELD_COLUMN = 14, ITEM_COLUMN = 16 };

static bool colours;
static int width = WIDTH_DEFAULT;
static FILE *diverted; /* the caller's */

static const char *const sequences[] = {
	[STYLE_PLAIN] = "",	   [STYLE_BOLD] = "\033[1m",  [STYLE_DIM] = "\033[2m",
	[STYLE_GOOD] = "\033[32m", [STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[1;31m",
};

void text_init(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return;
	colours = !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		width = size.ws_col < WIDTH_MIN ? WIDTH_MIN : MIN_OF(size.ws_col, WIDTH_MAX);
}

bool text_has_colours(void)
{
	return colours;
}

const char *text_style(enum style style)
{
	return colours ? sequences[style] : "";
}

const char *text_style_end(void)
{
	return colours ? "\033[0m" : "";
}

struct text_number text_count(int64_t n)
{
	struct text_number out;
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRId64, n), at = 0;

	for (int i = 0; i < len; i++) {
		out.s[at++] = digits[i];
		if (digits[i] != '-' && i + 1 < len && (len - i - 1) % 3 == 0)
			out.s[at++] = ',';
	}
	out.s[at] = '\0';
	return out;
}

struct text_number text_plural(int64_t n, const char *noun)
{
	struct text_number out;

	snprintf(out.s, sizeof(out.s), "%.26s %.18s%s", text_count(n).s, noun, n == 1 ? "" : "s");
	return out;
}

static struct text_number scaled(int64_t n, const char *gap, const char *suffix)
{
	static const char units[] = " KMGTPE";
	double v = (double)n;
	struct text_number out;
	int unit = 0;

	for (; v >= 1023.95 && units[unit + 1]; unit++)
		v /= 1024;
	if (!unit)
		snprintf(out.s, sizeof(out.s), "%" PRId64 "%s%s", n, gap, *gap ? "B" : "");
	else
		snprintf(out.s, sizeof(out.s), "%.1f%s%c%s", v, gap, units[unit], suffix);
	return out;
}

struct text_number text_bytes(int64_t n)
{
	return scaled(n, " ", "iB");
}

struct text_number text_size(int64_t n)
{
	return scaled(n, "", "");
}

struct text_number text_age(int64_t ms)
{
	struct text_number out;
	int64_t s = ms / 1000;

	if (ms < 1000)
		snprintf(out.s, sizeof(out.s), "%" PRId64 "ms", ms);
	else if (s < 60)
		snprintf(out.s, sizeof(out.s), "%" PRId64 "s", s);
	else if (s < 3600)
		snprintf(out.s, sizeof(out.s), "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out.s, sizeof(out.s), "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(out.s, sizeof(out.s), "%" PRId64 "d%02" PRId64 "h", s / 86400,
			 s / 3600 % 24);
	return out;
}

struct text_number text_percent(int64_t part, int64_t whole)
{
	struct text_number out = { "-" };

	if (whole > 0 && part > 0 && part < whole / 200)
		snprintf(out.s, sizeof(out.s), "< 1 %%");
	else if (whole > 0 && part < whole && part > whole - whole / 200)
		snprintf(out.s, sizeof(out.s), "> 99 %%");
	else if (whole > 0)
		snprintf(out.s, sizeof(out.s), "%.0f %%", 100.0 * (double)part / (double)whole);
	return out;
}

/* ASCII controls, and those of C1 as UTF-8 writes them (0xc2 0x80 to 0x9f). */
static bool is_control(const unsigned char *p)
{
	return *p < ' ' || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f);
}

static void print_safe(FILE *out, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	for (const unsigned char *end = p + len; p < end; p++) {
		if (!is_control(p)) {
			putc(*p, out);
			continue;
		}
		fprintf(out, "\\x%02x", *p);
		if (*p == 0xc2)
			fprintf(out, "\\x%02x", *++p);
	}
}

bool text_is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

void text_print(enum style style, const char *text)
{
	fputs(text_style(style), stdout);
	print_safe(stdout, text, strlen(text));
	fputs(text_style_end(), stdout);
}

/* Prints words from `column` on, breaking lines that get too long; ends the last one. */
static void print_wrapped(int column, int indent, const char *text)
{
	bool first = true;

	while (*(text += strspn(text, " \n"))) {
		size_t len = strcspn(text, " \n");

		if (!first && column + 1 + (int)len > width) {
			printf("\n%*s", indent, "");
			column = indent;
		} else if (!first) {
			putchar(' ');
			column++;
		}
		print_safe(stdout, text, len);
		column += (int)len;
		text += len;
		first = false;
	}
}

void text_paragraph(int indent, const char *text)
{
	printf("%*s", indent, "");
	print_wrapped(indent, indent, text);
	putchar('\n');
}

void text_bullet(enum style style, char mark, const char *text)
{
	printf("%s%c%s ", text_style(style), mark, text_style_end());
	print_wrapped(2, 2, text);
	putchar('\n');
}

void text_item(enum style style, char mark, const char *label, const char *text)
{
	printf("%s%c%s %s%-*s%s", text_style(style), mark, text_style_end(), text_style(STYLE_BOLD),
	       ITEM_COLUMN - 2, label, text_style_end());
	print_wrapped(ITEM_COLUMN, ITEM_COLUMN, text);
	putchar('\n');
}

void text_heading(const char *heading)
{
	printf("\n%s%s%s\n", text_style(STYLE_BOLD), heading, text_style_end());
}

void text_field(const char *label, enum style style, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	printf("%-*s%s", FIELD_COLUMN, label, text_style(style));
	print_wrapped(FIELD_COLUMN, FIELD_COLUMN, text ? text : "(out of memory)");
	printf("%s\n", text_style_end());
}

static FILE *error_file(void)
{
	return diverted ? diverted : stderr;
}

void text_error(const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	fputs("ktlsctl: ", error_file());
	if (text)
		print_safe(error_file(), text, strlen(text));
	putc('\n', error_file());
}

void text_hint(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(error_file(), format, args);
	va_end(args);
	putc('\n', error_file());
}

void text_pass_errors(const char *lines)
{
	fputs(lines, error_file());
}

FILE *text_divert_errors(FILE *file)
{
	FILE *before = diverted;

	diverted = file;
	return before;
}
