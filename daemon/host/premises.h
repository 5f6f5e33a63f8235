/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a ktlsd has on its host from start to end, reloads or not: a user for its server, a runtime
 * directory, and the API's listening socket.
 */
#ifndef KTLSD_HOST_PREMISES_H
#define KTLSD_HOST_PREMISES_H

#include <stdint.h>

struct config;

struct premises {
	uint32_t uid, gid; /* whom the server becomes; UINT32_MAX: stays who it is */
	int api_fd;	   /* owned; -1: none */
};

#define PREMISES_NONE ((struct premises){ .uid = UINT32_MAX, .gid = UINT32_MAX, .api_fd = -1 })

/* 0 or -errno, which is in the log. */
int premises_open(struct premises *p, const struct config *c);

/* The socket's file goes too. */
void premises_close(struct premises *p, const struct config *c);

#endif
