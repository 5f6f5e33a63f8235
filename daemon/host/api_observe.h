/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods about the observer itself: its counts, and what is changed in its programs. */
#ifndef KTLSD_HOST_API_OBSERVE_H
#define KTLSD_HOST_API_OBSERVE_H

struct api;
struct client;
struct varlink_call;

/* As api_call(). */
int api_get_stats(struct client *c, struct varlink_call *call);
int api_observe(struct client *c, struct varlink_call *call);

#endif
