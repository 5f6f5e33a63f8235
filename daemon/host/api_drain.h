/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's method Drain, which takes its time. */
#ifndef KTLSD_HOST_API_DRAIN_H
#define KTLSD_HOST_API_DRAIN_H

#include <stdint.h>

struct api;
struct client;
struct varlink_call;

/* Answers the call, at once or later. 0, or -errno: then close the client. */
int api_drain(struct client *c, struct varlink_call *call);

/* When to call api_drain_tick(), which tells those that wait; UINT64_MAX: nobody waits. */
uint64_t api_drain_next(const struct api *api);
void api_drain_tick(struct api *api, uint64_t now);

#endif
