/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HTTP server for Prometheus and browsers, in the main thread's loop: /metrics, /healthz,
 * /readyz, /status.json and the status page. Never waits: not for slow clients, and not for what a
 * scrape asks of others. Reads no request's body.
 */
#ifndef KTLSD_HOST_EXPORTER_H
#define KTLSD_HOST_EXPORTER_H

#include <stdint.h>

struct exporter;
struct service;

/* NULL when memory is short. It serves nobody yet. */
struct exporter *exporter_new(struct service *service);
void exporter_free(struct exporter *e); /* closes everything; NULL is fine */

/*
 * Serves on this listening TCP or unix socket, which it takes over, instead of the one before; -1:
 * on none. `name` is what the configuration calls it. Clients of the former one go on. 0 or -errno.
 */
int exporter_listen(struct exporter *e, int fd, const char *name);

/* For the loop: when to call exporter_tick() (UINT64_MAX: no need), after each batch. */
uint64_t exporter_next_deadline(struct exporter *e);
void exporter_tick(struct exporter *e, uint64_t now);

#endif
