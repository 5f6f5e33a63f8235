/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What metrics.c and the files beside it, each for some families, know of each other. */
#ifndef KTLSD_HOST_METRICS_PART_H
#define KTLSD_HOST_METRICS_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "host/exposition.h"

struct counters;
struct metrics_input;
struct service;

/* The values of a sample's labels. */
#define LABELS(...) ((const char *const[]){ __VA_ARGS__ })

/* Where figures come from that may not be there: the values of the label `source`. */
enum metrics_source {
	SOURCE_WORKERS,
	SOURCE_PROBE,
	SOURCE_OBSERVER,
	SOURCE_PROGRAMS,
	SOURCE_TLS_STAT,
	SOURCE_DEVICES,
	SOURCE_ACCEPT_QUEUE,
	SOURCE_PROCESS,
	N_SOURCES,
};

/* One scrape on its way. */
struct metrics_part {
	struct exposition *out;
	struct service *service;
	const struct metrics_input *in;
	const struct counters *sum; /* of all workers */
	bool up[N_SOURCES];	    /* set by those who write */
};

/* metrics_own.c: what the workers count. */
void metrics_write_own(struct metrics_part *p);

/* metrics_listeners.c */
void metrics_write_listeners(struct metrics_part *p);

/* metrics_sockets.c: connections of all owners that are open. */
void metrics_write_sockets(struct metrics_part *p);

/* metrics_observer.c: the observer itself, and what its programs count. */
void metrics_write_observer(struct metrics_part *p);

/* metrics_system.c: tls_stat, the process. */
void metrics_write_system(struct metrics_part *p);

#endif
