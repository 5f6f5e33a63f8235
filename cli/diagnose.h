/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `ktlsctl diagnose` knows, and the sections of its report in their order. */
#ifndef KTLSD_CLI_DIAGNOSE_H
#define KTLSD_CLI_DIAGNOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/census.h"
#include "cli/observer.h"

struct diagnosis;
struct json;

/* Pointers are NULL, and numbers -1, where nothing is known. */
struct diagnose_facts {
	struct json *host;   /* see host_look(); owned */
	struct json *status; /* reply to GetStatus; owned */
	struct json *probe;  /* ProbeReport; owned */
	struct json *seen;   /* a reply with the observer; owned */
	struct observer observer;
	bool has_observer;
	bool has_sockets; /* they were read, be there any or none */
	bool has_events;
	struct census census;
	const char *listener; /* the only one to look at, or NULL */
	const char *device;   /* likewise */
	int64_t pid;	      /* likewise, or 0 */
	uint64_t n_events;    /* of that process */
	char first_event[40]; /* time of the oldest that ktlsd remembers, of any process; or "" */
};

void diagnose_facts_fini(struct diagnose_facts *facts);

void diagnose_kernel(const struct diagnose_facts *facts, struct diagnosis *report);
void diagnose_daemon(const struct diagnose_facts *facts, struct diagnosis *report);
void diagnose_devices(const struct diagnose_facts *facts, struct diagnosis *report);
void diagnose_sockets(const struct diagnose_facts *facts, struct diagnosis *report);
void diagnose_process(const struct diagnose_facts *facts, struct diagnosis *report);

#endif
