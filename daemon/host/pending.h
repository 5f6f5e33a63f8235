/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration that the server is given piece by piece, before it takes it: what the monitor has
 * sent and not yet committed. */
#ifndef KTLSD_HOST_PENDING_H
#define KTLSD_HOST_PENDING_H

#include <stdbool.h>

#include "host/config.h"
#include "host/ipc.h"

struct pending {
	struct config *config;
	struct ipc_message head;
	int **fds; /* [listener][worker], owned */
	unsigned *n_fds;
	int api_fd, metrics_fd;
};

void pending_init(struct pending *p);
void pending_fini(struct pending *p); /* what is left; it is empty then */

/*
 * Takes a message of one of the types IPC_CONFIG, IPC_METRICS and IPC_LISTEN, and those of its
 * descriptors that it needs. 0, -EPROTO (*error may say more) or -ENOMEM.
 */
int pending_take(struct pending *p, const struct ipc_message *m, int *fds, unsigned n,
		 struct config_error *error);

/* Every worker has its socket of every listener, or the monitor and we do not agree. */
bool pending_is_complete(const struct pending *p, unsigned n_workers);

#endif
