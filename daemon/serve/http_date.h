/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dates of HTTP (RFC 9110 5.6.7). Neither the locale nor the time zone matters, and no lock is
 * taken: gmtime_r() and timegm() of the C library take one.
 */
#ifndef KTLSD_SERVE_HTTP_DATE_H
#define KTLSD_SERVE_HTTP_DATE_H

#include <stdbool.h>
#include <time.h>

#include "serve/http_text.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
enum { HTTP_DATE_LEN = 29 };

/*
 * Reads a date in any of the three formats: IMF-fixdate, that of RFC 850 (its year of two digits
 * lies at most 50 years after `now`), that of asctime(). The name of the day has to be
 * one, but need not be right. False for anything else and for what http_date_write() cannot write.
 */
bool http_date_parse(struct http_text text, time_t now, time_t *t);

/* Writes IMF-fixdate, without NUL. What lies outside the years 0 to 9999 becomes their nearest. */
void http_date_write(char text[HTTP_DATE_LEN], time_t t);

/* The same for the present: written once a second in each thread, valid until its next call. */
const char *http_date_now(time_t now);

#endif
