/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A listener as the workers see it: shared by all, immutable but for policy and totals. */
#ifndef KTLSD_SERVE_LISTENER_H
#define KTLSD_SERVE_LISTENER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/counters.h"
#include "base/state.h"
#include "serve/document.h"
#include "serve/policy.h"

struct backend_ops;
struct handshake_offer;
struct mime;

/* Of the accept queue. */
enum { LISTENER_BACKLOG = 4096 };

/* What is counted for a name, whatever configuration it has at the moment. */
struct listener_totals {
	atomic_uint refs;
	atomic_uint_least64_t open, accepted;
	atomic_uint_least64_t cut;		    /* ended by a drain whose time was over */
	atomic_uint_least64_t kernel[N_DIRECTIONS]; /* open ones with that direction in the kernel */
};

struct listener {
	atomic_uint refs;
	struct listener_totals *totals; /* a reference */
	char *name;
	char *address;		       /* as configured, for people */
	char *backend_text;	       /* as configured, for people */
	struct handshake_offer *offer; /* a reference */
	uint64_t timeout_ns[DEADLINE_N];
	uint64_t total_ns; /* from accept to the end, whatever it does; 0: no limit */
	const struct backend_ops *backend;
	struct listener_proxy {
		struct sockaddr_storage address;
		socklen_t address_len;
		struct listener_keepalive { /* seconds; of the backend's socket */
			int idle, interval, count;
		} keepalive;
	} proxy;
	struct listener_files {
		struct document_root root; /* owns all that is in it */
		unsigned request_max;	   /* bytes of a request's head */
		bool zerocopy;		   /* TLS_TX_ZEROCOPY_RO */
	} files;
	unsigned user_timeout_ms;
	atomic_int policy[N_DIRECTIONS]; /* enum policy_value; SetPolicy writes */
	atomic_bool overridden;		 /* by SetPolicy */
	atomic_bool draining;		 /* takes no connections */
};

/*
 * One reference, everything else zero; NULL when memory is short. `former` is the listener of
 * that name before a reload, whose totals go on, or NULL.
 */
struct listener *listener_new(const char *name, const char *address, const char *backend,
			      const struct listener *former);
struct listener *listener_ref(struct listener *l);
void listener_unref(struct listener *l); /* NULL is fine */

#endif
