/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitor's listening sockets: opened once, kept through reloads, one a worker. */
#ifndef KTLSD_HOST_LISTEN_H
#define KTLSD_HOST_LISTEN_H

#include <stddef.h>

struct config;
struct config_address;
struct config_listener;

struct listen_set;

/* An empty set, or NULL when memory is short. */
struct listen_set *listen_set_new(void);
void listen_set_free(struct listen_set *set); /* closes them all */

/*
 * Makes sure that every listener of the configuration has its sockets, opening what is missing
 * with the listener's keepalive and timeout. Options of sockets that stay are set anew. On
 * failure those just opened are closed and `error` says which address and why. 0 or -errno.
 */
int listen_set_open(struct listen_set *set, const struct config *config, char *error,
		    size_t error_len);

/* The n_workers sockets of a listener: lent until the set changes. */
const int *listen_set_find(const struct listen_set *set, const struct config_listener *l);

/* Closes the sockets of addresses that the configuration does not have (any more). */
void listen_set_prune(struct listen_set *set, const struct config *config);

/* A TCP socket that listens there, and nowhere else does. -errno. */
int listen_tcp(const struct config_address *address);

/* A unix socket that listens at path, mode 0660 and that group, in place of a dead one. -errno. */
int listen_unix(const char *path, unsigned gid);

#endif
