/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What api.c (who calls) and api_methods.c (what is answered) know of each other. */
#ifndef KTLSD_HOST_API_CLIENT_H
#define KTLSD_HOST_API_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"
#include "base/varlink.h"
#include "host/jobs.h"
#include "host/listing.h"
#include "host/observer.h"

struct api;
struct probe;
struct service;

struct client {
	struct client *prev, *next;
	struct api *api;
	struct watch watch; /* owns the descriptor */
	struct varlink_conn *varlink;
	uid_t uid;
	struct observer_wait wait;
	bool waits_for_observer;
	enum listing_scope scope;	 /* ListConnections */
	uint64_t wanted_cookie;		 /* GetConnection */
	int (*answer)(struct client *c); /* once the observer has a fresh snapshot */
	struct listing *listing;	 /* being streamed */
	bool waits_for_probe, waits_for_reload, waits_for_programs;
	struct client_events {
		bool streams, follows;
		uint64_t next;	 /* the event to be told next */
		uint64_t end;	 /* the first that is not, unless it follows */
		uint64_t looked; /* the first that is newer than the last look at sockets */
	} events;
	struct client_drain {
		bool waits, more;
		char listener[64];   /* "": all */
		uint64_t cut_before; /* of these listeners, when it began */
		uint64_t report_ns;  /* when to tell how it goes */
	} drain;
};

struct api {
	struct service *service;
	struct varlink_service varlink;
	struct watch accept; /* edge-triggered: see accept_clients() */
	int reserve_fd;	     /* given up for a client when descriptors run out */
	struct client *clients;
	struct client *closed; /* freed by api_reap() */
	unsigned n_clients;
	uint64_t drain_look_ns; /* when to look how many are left */
	struct probe_job {
		struct job job;
		struct api *api;
		struct probe *probe;
		int err; /* 0 or -errno: it could not run */
		bool running;
	} probe;
};

/* Answers one call: at once, or later with client_serve() after it. 0, or -errno: then close. */
int api_call(struct client *c, struct varlink_call *call);

/* Goes on with a listing that is being streamed. 0 or -errno as api_call(). */
int api_stream(struct client *c);

/* Answers what can be answered and sets what to wait for. Closes a client beyond repair. */
void client_serve(struct client *c);

/* Waits until the observer has made a fresh walk, then answers: 0 or -errno as api_call(). */
int client_wait_for_observer(struct client *c, bool everywhere, int (*answer)(struct client *c));

/* Who may reload and set policies. */
bool client_may_change(const struct client *c);

/* Closes it; freed after the batch of events. */
void client_close(struct client *c);

#endif
