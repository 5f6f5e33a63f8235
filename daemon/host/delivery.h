/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor gives the server over the pair of sockets: a configuration with the sockets that
 * it needs, and what has become of the kernel programs. The other end is `pending`.
 */
#ifndef KTLSD_HOST_DELIVERY_H
#define KTLSD_HOST_DELIVERY_H

#include <stdint.h>

struct config;
struct listen_set;
struct programs;

/* Nothing of it is owned here; descriptors are sent as copies. */
struct delivery {
	const struct config *config;
	const struct listen_set *sockets; /* has those of all its listeners */
	int metrics_fd;			  /* -1: it listens nowhere */
	int api_fd;			  /* the API's, at the start; -1: a reload */
	uint32_t uid, gid;		  /* whom the server becomes; UINT32_MAX: stays who it is */
};

/* All of it, and the commit. 0 or -errno. */
int delivery_send(int fd, const struct delivery *d);

/* 0 or -errno. */
int delivery_send_programs(int fd, const struct programs *p);

#endif
