/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policy: whether a direction should be in the kernel, and the reason when it will not be. */
#ifndef KTLSD_SERVE_POLICY_H
#define KTLSD_SERVE_POLICY_H

#include <stdbool.h>

#include "base/counters.h"
#include "base/reason.h"
#include "base/suite.h"

struct probe; /* tls/probe.h */

enum policy_value { POLICY_OFF, POLICY_AUTO, POLICY_ON, POLICY_REQUIRE, POLICY_N_VALUES };

struct policy {
	enum policy_value dir[N_DIRECTIONS];
};

const char *policy_name(enum policy_value v);

/* "off", "auto", "on", "require" -> value; -EINVAL for anything else. */
int policy_find(const char *name);

struct policy_verdict {
	enum reason reason; /* REASON_NONE: the kernel; else why user space */
	int err;	    /* errno that the probe saw, or 0 */
	bool refuse;	    /* policy 'require': refuse the connection for that reason */
};

/*
 * The verdict for one direction of a connection with that suite. Where the backend does not splice
 * what it receives, 'auto' leaves receiving in user space; 'require' asks for no more than it can.
 */
struct policy_verdict policy_decide(enum policy_value v, enum direction d, const struct suite *s,
				    const struct probe *probe, bool splices_rx);

#endif
