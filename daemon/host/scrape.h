/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One gathering of what a scrape needs from others: a fresh walk over the sockets, the devices that
 * can do TLS, and a word from each worker. It has a deadline; who has not answered by then is told to be absent.
 */
#ifndef KTLSD_HOST_SCRAPE_H
#define KTLSD_HOST_SCRAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/netlink.h"
#include "host/jobs.h"
#include "host/observer.h"
#include "serve/roster.h"

struct exposition;
struct service;

enum { SCRAPE_DEADLINE_MS = 2500 }; /* more than the observer's own */

/* The devices that can do TLS, as a thread of its own asks the kernel for them. */
enum { SCRAPE_MAX_DEVICES = 64 };
struct scrape_devices {
	struct job job;
	struct scrape *scrape;
	bool is_open; /* asked, and not answered */
	int err;
	unsigned n;
	struct netlink_device devices[SCRAPE_MAX_DEVICES];
};

struct scrape {
	struct service *service;
	void (*done)(struct scrape *s);
	struct roster_question *questions; /* one a worker */
	struct scrape_devices devices;
	struct observer_wait wait;
	bool running, waits_for_observer;
	uint64_t started_ns;
	/* What came of it, until the next one begins. */
	struct roster_tag *tags; /* sorted by cookie, owned */
	size_t n_tags;
	bool has_tags, is_stale;
	uint64_t lag_ns;
	uint64_t n, duration_ns; /* of the last one */
};

/* 0 or -ENOMEM. */
int scrape_init(struct scrape *s, struct service *service, void (*done)(struct scrape *s));

/* After the workers have ended, or they would answer; a job that still runs ends with the process. */
void scrape_fini(struct scrape *s);

/* Begins one unless one is running; done() is called at its end. */
void scrape_begin(struct scrape *s);

/* For the loop: its deadline (UINT64_MAX: none), and its passing. */
uint64_t scrape_next_deadline(const struct scrape *s);
void scrape_expire(struct scrape *s, uint64_t now);

/* Writes all figures. `responses` is metrics_input's. */
void scrape_write(const struct scrape *s, struct exposition *x, const uint64_t *responses);

#endif
