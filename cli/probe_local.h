/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probe, run by ktlsctl itself where no daemon is there to ask. */
#ifndef KTLSD_CLI_PROBE_LOCAL_H
#define KTLSD_CLI_PROBE_LOCAL_H

struct json;

/* Runs it, some seconds on a slow machine: 0 with *report the caller's (a ProbeReport of
 * io.ktlsd), or -errno. */
int probe_local_report(struct json **report);

#endif
