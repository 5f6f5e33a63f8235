/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the calls of observe.h end; for its own files. */
#ifndef KTLSD_BPF_STATUS_H
#define KTLSD_BPF_STATUS_H

#include "bpf/observe.h"

/* Notes where and why it ended, of an errno of either sign; returns it negative. */
__attribute__((format(printf, 4, 5))) int status_end(struct observe_status *status,
						     enum observe_step step, int error,
						     const char *format, ...);

#endif
