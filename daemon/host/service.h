/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the server process is made of: shared by those of its parts that run in the main thread. */
#ifndef KTLSD_HOST_SERVICE_H
#define KTLSD_HOST_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/counters.h"
#include "base/loop.h"
#include "host/events.h"
#include "host/observer.h"
#include "host/runtime.h"
#include "serve/limits.h"
#include "serve/worker.h"
#include "tls/probe.h"

struct config;
struct pending;

struct service {
	struct loop loop; /* the main thread's */
	struct worker *workers;
	unsigned n_workers;
	struct limits limits;
	struct runtime runtime;
	struct ticket_keys *tickets;
	struct probe *probe; /* what limits.probe points to; owned */
	struct observer observer;
	struct events events;
	char *config_path;
	uint64_t started_ns;
	unsigned reloads, failed_reloads;
	bool last_reload_failed;
	int64_t configured_s; /* CLOCK_REALTIME: when the configuration in force was taken */
	/*
	 * Numbers of the listening sockets, [listener][worker], for looking at their queues. They are
	 * the workers', who close them only when they are told to: between two commits they are good.
	 */
	int *listen_fds;
	uint32_t admin_uid; /* besides root: may reload and set policies */
	/* Asks the monitor for a reload; 0 or -errno. The answer goes to api_reloaded(). */
	int (*request_reload)(struct service *s);
	/* Wants programs to be changed (enum programs_wish); likewise, api_observed(). */
	int (*request_observe)(struct service *s, unsigned wish);
};

/* The workers' pipes, which are made while privileged and belong to the workers then; NULL when
 * memory is short. */
struct pipe_pool *service_make_pipes(const struct config *c);

/* Learns what the kernel can do; a probe that cannot run is told, and everything stays in user space.
 * 0 or -ENOMEM. */
int service_run_probe(struct service *s);

/* Each takes its pool over. 0 or -errno. */
int service_start_workers(struct service *s, struct pipe_pool *pools, unsigned n);

/*
 * Takes what is pending: with 0 its listeners serve, and those before take no connections; else all
 * goes on as it was, -errno, and *error may say why.
 */
int service_commit(struct service *s, struct pending *p, char *error, size_t error_len);

/* Ends all connections with REASON_SHUTDOWN, waits for the threads. */
void service_stop_workers(struct service *s);

/* Frees what is left, when nobody looks at it any more. */
void service_fini(struct service *s);

/* The sum of what all workers count. */
void service_count(struct service *s, struct counters *sum);

/* Replaces the probe's result everywhere and frees the old one. Takes p over. */
void service_set_probe(struct service *s, struct probe *p);

/*
 * Sets policies (-1: leave) of the listener with that name, or of all for NULL, until the next
 * reload. Gives how many listeners that were.
 */
unsigned service_set_policy(struct service *s, const char *listener, int tx, int rx);

/* True if there is a listener of that name. */
bool service_has_listener(const struct service *s, const char *name);

/*
 * The listener with that name, or all for NULL: takes no connections, ends the idle ones, and after
 * the time all. Until service_resume(), which gives 0 or -errno, or the next reload.
 */
void service_drain(struct service *s, const char *listener, uint64_t timeout_ms);
int service_resume(struct service *s, const char *listener);

#endif
