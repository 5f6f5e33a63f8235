/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notes how a call ended; must not know what it was. */
#include "bpf/status.h"

#include <stdarg.h>
#include <stdio.h>

int status_end(struct observe_status *status, enum observe_step step, int error, const char *format,
	       ...)
{
	va_list args;

	status->step = step;
	status->error = error < 0 ? -error : error;
	va_start(args, format);
	vsnprintf(status->text, sizeof(status->text), format, args);
	va_end(args);
	return -status->error;
}
