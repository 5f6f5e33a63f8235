/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dates of HTTP, read and written by hand: the calendar is the proleptic Gregorian one, in UTC. */
#include "serve/http_date.h"

#include <stdint.h>
#include <string.h>

#include "base/util.h"

enum { SECONDS_PER_DAY = 86400, DAYS_PER_ERA = 146097, N_MONTHS = 12, N_DAYS = 7 };

/* From 0000-03-01, when an era of 400 years begins, to 1970-01-01. */
#define DAYS_BEFORE_EPOCH 719468

#define TIME_MIN INT64_C(-62167219200) /* 0000-01-01 00:00:00 */
#define TIME_MAX INT64_C(253402300799) /* 9999-12-31 23:59:59 */

static const char months[N_MONTHS][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};
static const char *const days[N_DAYS] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, N_PARTS }; /* month and day count from 1 */

/*
 * Formats: %a and %A a day's name, short and long; %b a month's; %Y, %y four and two digits of
 * the year; %d two digits of the day, %e the same with a blank for a leading zero; %H %M %S two
 * digits. Anything else stands for itself.
 */
static const char *const formats[] = {
	"%a, %d %b %Y %H:%M:%S GMT",
	"%A, %d-%b-%y %H:%M:%S GMT",
	"%a %b %e %H:%M:%S %Y",
};

static int year_days(int64_t year, int month)
{
	static const char length[N_MONTHS] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return length[month - 1] + (month == 2 && is_leap);
}

/* Days since the epoch. Years begin in March, so that a leap day is the last of its year. */
static int64_t date_to_days(int64_t year, int month, int day)
{
	int64_t era, of_era;
	int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	year += 400 - (month <= 2); /* keeps the division of the year 0 positive */
	era = year / 400;
	year %= 400;
	of_era = year * 365 + year / 4 - year / 100 + of_year;
	return (era - 1) * DAYS_PER_ERA + of_era - DAYS_BEFORE_EPOCH;
}

static void date_from_days(int64_t n, int part[N_PARTS])
{
	int64_t era, of_era, year;
	int of_year, month;

	n += DAYS_BEFORE_EPOCH + DAYS_PER_ERA;
	era = n / DAYS_PER_ERA - 1;
	of_era = n % DAYS_PER_ERA;
	year = (of_era - of_era / 1460 + of_era / 36524 - of_era / (DAYS_PER_ERA - 1)) / 365;
	of_year = (int)(of_era - (year * 365 + year / 4 - year / 100));
	month = (5 * of_year + 2) / 153;
	part[DAY] = of_year - (153 * month + 2) / 5 + 1;
	part[MONTH] = month < 10 ? month + 3 : month - 9;
	part[YEAR] = (int)(year + era * 400) + (part[MONTH] <= 2);
}

/* Takes `width` digits. */
static bool take_number(struct http_text *text, size_t width, int *value)
{
	*value = 0;
	if (text->len < width)
		return false;
	for (size_t i = 0; i < width; i++) {
		if (!http_is_digit(text->data[i]))
			return false;
		*value = *value * 10 + (text->data[i] - '0');
	}
	http_text_skip(text, width);
	return true;
}

static bool take_word(struct http_text *text, const char *word, size_t len)
{
	if (text->len < len || memcmp(text->data, word, len) != 0)
		return false;
	http_text_skip(text, len);
	return true;
}

static bool take_day_name(struct http_text *text, bool is_short)
{
	for (size_t i = 0; i < N_DAYS; i++)
		if (take_word(text, days[i], is_short ? 3 : strlen(days[i])))
			return true;
	return false;
}

static bool take_month(struct http_text *text, int *month)
{
	for (*month = 1; *month <= N_MONTHS; ++*month)
		if (take_word(text, months[*month - 1], 3))
			return true;
	return false;
}

static bool take_part(struct http_text *text, char what, int part[N_PARTS])
{
	switch (what) {
	case 'a':
	case 'A':
		return take_day_name(text, what == 'a');
	case 'b':
		return take_month(text, &part[MONTH]);
	case 'Y':
		return take_number(text, 4, &part[YEAR]);
	case 'y':
		return take_number(text, 2, &part[YEAR]);
	case 'e':
		if (take_word(text, " ", 1))
			return take_number(text, 1, &part[DAY]);
		return take_number(text, 2, &part[DAY]);
	case 'd':
		return take_number(text, 2, &part[DAY]);
	case 'H':
		return take_number(text, 2, &part[HOUR]);
	case 'M':
		return take_number(text, 2, &part[MINUTE]);
	default:
		return take_number(text, 2, &part[SECOND]);
	}
}

static bool take_format(struct http_text text, const char *format, int part[N_PARTS])
{
	for (; *format; format++)
		if (*format == '%' ? !take_part(&text, *++format, part) :
				     !take_word(&text, format, 1))
			return false;
	return text.len == 0;
}

/* The year of that century's digits that lies at most 50 years after now. */
static int find_year(int two_digits, time_t now)
{
	int part[N_PARTS], year;

	date_from_days(now / SECONDS_PER_DAY, part);
	year = part[YEAR] - part[YEAR] % 100 + two_digits;
	if (year > part[YEAR] + 50)
		return year - 100;
	return year + 100 <= part[YEAR] + 50 ? year + 100 : year;
}

static int64_t clamp(int64_t t)
{
	if (t < TIME_MIN)
		return TIME_MIN;
	return t > TIME_MAX ? TIME_MAX : t;
}

bool http_date_parse(struct http_text text, time_t now, time_t *t)
{
	int part[N_PARTS] = { 0 };
	int64_t date;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (take_format(text, formats[i], part))
			break;
	if (i == ARRAY_SIZE(formats))
		return false;
	if (strstr(formats[i], "%y"))
		part[YEAR] = find_year(part[YEAR], clamp(now));
	/* 60 is a leap second */
	if (part[DAY] < 1 || part[DAY] > year_days(part[YEAR], part[MONTH]) || part[HOUR] > 23 ||
	    part[MINUTE] > 59 || part[SECOND] > 60)
		return false;
	date = date_to_days(part[YEAR], part[MONTH], part[DAY]) * SECONDS_PER_DAY +
	       part[HOUR] * 3600 + part[MINUTE] * 60 + part[SECOND];
	/* by a leap second, or by two digits of a year with a clock that is far off */
	if (date != clamp(date))
		return false;
	*t = date;
	return true;
}

static void put_number(char *text, int width, int value)
{
	while (width--) {
		text[width] = (char)('0' + value % 10);
		value /= 10;
	}
}

void http_date_write(char text[HTTP_DATE_LEN], time_t time)
{
	int64_t since = clamp(time) - TIME_MIN; /* which is a Saturday */
	int second = (int)(since % SECONDS_PER_DAY);
	int64_t day = since / SECONDS_PER_DAY;
	int part[N_PARTS];

	date_from_days(day + TIME_MIN / SECONDS_PER_DAY, part);
	memcpy(text, "Ddd, 00 Mmm 0000 00:00:00 GMT", HTTP_DATE_LEN);
	memcpy(text, days[(day + 6) % N_DAYS], 3);
	put_number(text + 5, 2, part[DAY]);
	memcpy(text + 8, months[part[MONTH] - 1], 3);
	put_number(text + 12, 4, part[YEAR]);
	put_number(text + 17, 2, second / 3600);
	put_number(text + 20, 2, second / 60 % 60);
	put_number(text + 23, 2, second % 60);
}

const char *http_date_now(time_t now)
{
	static _Thread_local struct {
		char text[HTTP_DATE_LEN + 1]; /* empty at first */
		time_t time;
	} last;

	if (!last.text[0] || last.time != now) {
		http_date_write(last.text, now);
		last.time = now;
	}
	return last.text;
}
