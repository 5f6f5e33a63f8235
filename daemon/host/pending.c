/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collects what the monitor sends; trusts no length of it. */
#include "host/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"

void pending_init(struct pending *p)
{
	*p = (struct pending){ .api_fd = -1, .metrics_fd = -1 };
}

void pending_fini(struct pending *p)
{
	for (unsigned i = 0; p->config && i < p->config->n_listeners; i++) {
		for (unsigned n = 0; p->fds && p->n_fds && n < p->n_fds[i]; n++)
			close(p->fds[i][n]);
		if (p->fds)
			free(p->fds[i]);
	}
	free(p->fds);
	free(p->n_fds);
	config_free(p->config);
	fd_close(&p->api_fd);
	fd_close(&p->metrics_fd);
	pending_init(p);
}

static int take_config(struct pending *p, const struct ipc_message *m, int *fds, unsigned n,
		       struct config_error *error)
{
	pending_fini(p);
	p->head = *m;
	if (n > 1)
		p->api_fd = fd_take(&fds[1]);
	p->config = n ? config_unpack(fds[0], error) : NULL;
	if (!p->config)
		return -EPROTO;
	p->fds = calloc(p->config->n_listeners + 1, sizeof(*p->fds));
	p->n_fds = calloc(p->config->n_listeners + 1, sizeof(*p->n_fds));
	return p->fds && p->n_fds ? 0 : -ENOMEM;
}

static int take_metrics(struct pending *p, int *fds, unsigned n)
{
	fd_close(&p->metrics_fd);
	if (n)
		p->metrics_fd = fd_take(&fds[0]);
	return 0;
}

static int take_sockets(struct pending *p, const struct ipc_message *m, int *fds, unsigned n)
{
	unsigned i = m->index;
	int *grown;

	if (!p->config || i >= p->config->n_listeners)
		return -EPROTO;
	grown = realloc(p->fds[i], (p->n_fds[i] + n) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->fds[i] = grown;
	for (unsigned k = 0; k < n; k++)
		p->fds[i][p->n_fds[i]++] = fd_take(&fds[k]);
	return 0;
}

int pending_take(struct pending *p, const struct ipc_message *m, int *fds, unsigned n,
		 struct config_error *error)
{
	switch (m->type) {
	case IPC_CONFIG:
		return take_config(p, m, fds, n, error);
	case IPC_METRICS:
		return take_metrics(p, fds, n);
	case IPC_LISTEN:
		return take_sockets(p, m, fds, n);
	default:
		return -EPROTO;
	}
}

bool pending_is_complete(const struct pending *p, unsigned n_workers)
{
	for (unsigned i = 0; p->config && i < p->config->n_listeners; i++)
		if (p->n_fds[i] != n_workers)
			return false;
	return p->config;
}
