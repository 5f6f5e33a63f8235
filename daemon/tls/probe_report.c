/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probe's table as JSON. */
#include "tls/probe_report.h"

#include <stdio.h>
#include <sys/utsname.h>

#include "base/json.h"
#include "base/log.h"
#include "tls/probe.h"

/* The verdict, and the errno behind a "no" as KEY_errno. */
static void set_feature(struct json *o, const char *key, const struct probe_feature *f)
{
	char errno_key[32];

	json_set_string(o, key, probe_verdict_name(f->verdict));
	snprintf(errno_key, sizeof(errno_key), "%s_errno", key);
	json_set_string(o, errno_key, f->err ? log_errno(f->err) : NULL);
}

static struct json *report_cell(const struct probe_cell *c, const struct suite *s, enum direction d)
{
	struct json *o = json_new();

	json_set_string(o, "version", suite_version_name(s->version));
	json_set_string(o, "cipher", s->cipher);
	json_set_string(o, "direction", direction_name(d));
	set_feature(o, "data", &c->data);
	set_feature(o, "rekey", &c->rekey);
	set_feature(o, "zerocopy", &c->zerocopy);
	set_feature(o, "nopad", &c->no_pad);
	set_feature(o, "max_payload", &c->max_payload);
	return o;
}

struct json *probe_report(const struct probe *p)
{
	struct json *o = json_new(), *results = json_new_array();
	struct utsname uts;

	for (unsigned v = 0; v < PROBE_N_VERSIONS; v++)
		for (unsigned c = 0; c < PROBE_N_CIPHERS; c++)
			for (int d = 0; d < N_DIRECTIONS; d++)
				json_append(results,
					    report_cell(&p->cell[v][c][d], probe_suite(v, c),
							(enum direction)d));
	json_set_string(o, "kernel", uname(&uts) ? "?" : uts.release);
	json_set_bool(o, "ulp", !p->ulp_err);
	json_set_string(o, "ulp_errno", p->ulp_err ? log_errno(p->ulp_err) : NULL);
	json_set_bool(o, "rekey", probe_has_rekey(p));
	json_set_string(o, "aes_driver", *p->aes_driver ? p->aes_driver : NULL);
	json_set_int(o, "duration_ms", p->duration_ms);
	json_set(o, "results", results);
	return o;
}
