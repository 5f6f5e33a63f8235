/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy table: off, auto, on, require against what the probe found. */
#include "serve/policy.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "tls/probe.h"

static const char *const names[POLICY_N_VALUES] = { "off", "auto", "on", "require" };

const char *policy_name(enum policy_value v)
{
	return names[v];
}

int policy_find(const char *name)
{
	for (int v = 0; v < POLICY_N_VALUES; v++)
		if (!strcmp(names[v], name))
			return v;
	return -EINVAL;
}

static struct policy_verdict fallback(enum policy_value v, enum reason reason, int err)
{
	return (struct policy_verdict){ .reason = reason,
					.err = err,
					.refuse = v == POLICY_REQUIRE };
}

struct policy_verdict policy_decide(enum policy_value v, enum direction d, const struct suite *s,
				    const struct probe *probe, bool splices_rx)
{
	const struct probe_cell *cell = probe_find(probe, s, d);

	if (v == POLICY_OFF)
		return (struct policy_verdict){ .reason = REASON_POLICY_OFF };
	if (probe->ulp_err)
		return fallback(
			v, probe->ulp_err == ENOENT ? REASON_KTLS_NO_ULP : REASON_KTLS_ULP_REFUSED,
			probe->ulp_err);
	if (cell->data.verdict != PROBE_YES)
		return fallback(v, REASON_KTLS_CIPHER, cell->data.err);
	if (v == POLICY_ON || d == TX)
		return (struct policy_verdict){ .reason = REASON_NONE };
	if (v == POLICY_AUTO && !splices_rx)
		return fallback(v, REASON_BACKEND_NO_SPLICE, 0);
	if (s->version == TLS13 && cell->rekey.verdict != PROBE_YES)
		return fallback(v, REASON_KTLS_NO_REKEY, cell->rekey.err);
	return (struct policy_verdict){ .reason = REASON_NONE };
}
