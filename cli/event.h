/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Something that happened to a socket (type Event of the API) as a line. */
#ifndef KTLSD_CLI_EVENT_H
#define KTLSD_CLI_EVENT_H

struct json;

/* The day of the last line: "" at first. */
struct event_printer {
	char day[16];
};

/* Prints one line on stdout, and before it the day when that is another. */
void event_print(struct event_printer *printer, struct json *event);

#endif
