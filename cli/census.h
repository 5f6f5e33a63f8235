/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts of connections by owner and mode, and of the reasons why they are not elsewhere. */
#ifndef KTLSD_CLI_CENSUS_H
#define KTLSD_CLI_CENSUS_H

#include <stdint.h>

struct json;

enum census_mode {
	CENSUS_USER,
	CENSUS_KERNEL,
	CENSUS_DEVICE,
	CENSUS_NONE, /* no key */
	CENSUS_N_MODES,
};

enum { CENSUS_OWNERS_MAX = 32, CENSUS_REASONS_MAX = 64 };

struct census_owner {
	char name[32]; /* the last one: "others", of all for which there was no room */
	uint64_t n;
	uint64_t sending[CENSUS_N_MODES], receiving[CENSUS_N_MODES];
};

/* A reason of a direction, with one connection that has it. */
struct census_reason {
	char direction[4];
	char wire[40];
	char error[24]; /* or "" */
	uint64_t n;
	int64_t cookie;
	char device[20]; /* its packets leave by, or "" */
};

struct census {
	uint64_t n;
	uint64_t n_sockmap;
	uint64_t n_failing; /* with records that did not decrypt or could not be sent */
	int64_t failing_cookie;
	uint64_t n_old; /* in the kernel since before the programs */
	int n_owners, n_reasons;
	struct census_owner owners[CENSUS_OWNERS_MAX];
	struct census_reason reasons[CENSUS_REASONS_MAX];
};

void census_add(struct census *census, struct json *row);

/* The most frequent first. */
void census_sort(struct census *census);

#endif
