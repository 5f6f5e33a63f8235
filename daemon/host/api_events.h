/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The method GetEvents: what happened to sockets, and what happens while somebody follows. */
#ifndef KTLSD_HOST_API_EVENTS_H
#define KTLSD_HOST_API_EVENTS_H

#include <stdbool.h>

struct api;
struct client;
struct varlink_call;

/* As api_call(). */
int api_get_events(struct client *c, struct varlink_call *call);

/* Goes on with what is being streamed; 0 or -errno likewise. */
int api_events_stream(struct client *c);

/* There is an event for it now. */
bool api_events_due(const struct client *c);

/* After each batch: tells those who follow. */
void api_events_tick(struct api *api);

#endif
