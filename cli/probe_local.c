/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probe in this process. The one place where the client reaches into daemon/tls. */
#include "cli/probe_local.h"

#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/util.h"
#include "tls/probe.h"
#include "tls/probe_report.h"

int probe_local_report(struct json **report)
{
	_cleanup_free_ struct probe *probe = calloc(1, sizeof(*probe));
	int r = probe ? probe_run(probe) : -ENOMEM;

	if (r)
		return r;
	*report = probe_report(probe);
	return *report ? 0 : -ENOMEM;
}
