/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probe's table as JSON: ProbeReport of io.ktlsd.varlink, for the API and the CLI alike. */
#ifndef KTLSD_TLS_PROBE_REPORT_H
#define KTLSD_TLS_PROBE_REPORT_H

struct json;
struct probe;

/* The caller's; json_failed() when memory is short. */
struct json *probe_report(const struct probe *p);

#endif
