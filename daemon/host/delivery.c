/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages, in the order in which `pending` takes them. */
#include "host/delivery.h"

#include "base/util.h"
#include "host/config.h"
#include "host/ipc.h"
#include "host/listen.h"
#include "host/programs.h"

static int send_sockets(int fd, const struct config *c, const struct listen_set *sockets)
{
	for (unsigned i = 0; i < c->n_listeners; i++) {
		const int *fds = listen_set_find(sockets, &c->listeners[i]);

		for (unsigned n = 0; n < c->workers; n += IPC_FDS_MAX) {
			struct ipc_message msg = { .type = IPC_LISTEN, .index = i };
			int err = ipc_send(fd, &msg, fds + n,
					   MIN_OF(c->workers - n, (unsigned)IPC_FDS_MAX));

			if (err)
				return err;
		}
	}
	return 0;
}

static int send_metrics(int fd, int metrics_fd)
{
	struct ipc_message msg = { .type = IPC_METRICS };

	return ipc_send(fd, &msg, &metrics_fd, metrics_fd >= 0);
}

int delivery_send(int fd, const struct delivery *d)
{
	struct ipc_message msg = { .type = IPC_CONFIG, .uid = d->uid, .gid = d->gid };
	struct ipc_message commit = { .type = IPC_COMMIT };
	_cleanup_fd_ int packed = config_pack(d->config);
	int fds[] = { packed, d->api_fd };
	int err;

	if (packed < 0)
		return packed;
	err = ipc_send(fd, &msg, fds, d->api_fd < 0 ? 1 : 2);
	if (!err)
		err = send_metrics(fd, d->metrics_fd);
	if (!err)
		err = send_sockets(fd, d->config, d->sockets);
	return err ? err : ipc_send(fd, &commit, NULL, 0);
}

int delivery_send_programs(int fd, const struct programs *p)
{
	struct ipc_message msg = { .type = IPC_PROGRAMS };
	struct programs_state state;
	_cleanup_fd_ int packed = -1, events = -1;
	int fds[2];

	programs_describe(p, &state);
	packed = programs_state_pack(&state);
	if (packed < 0)
		return packed;
	events = programs_open_events(p);
	fds[0] = packed;
	fds[1] = events;
	return ipc_send(fd, &msg, fds, events < 0 ? 1 : 2);
}
