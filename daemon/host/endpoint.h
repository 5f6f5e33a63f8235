/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The exporter's listening socket, which the monitor opens and keeps for the server. */
#ifndef KTLSD_HOST_ENDPOINT_H
#define KTLSD_HOST_ENDPOINT_H

#include <stddef.h>

struct config_endpoint;

struct endpoint {
	int fd;	    /* owned; -1: off, or the default that somebody else has */
	char *text; /* what is configured; NULL: nothing yet */
	char *path; /* of a unix socket, else NULL */
};

#define ENDPOINT_NONE ((struct endpoint){ .fd = -1 })

/*
 * Opens what is configured, or shares the socket of `former` if that is the same. A default that
 * is in use already is a warning. 0, or -errno with *e unchanged and why in `error`.
 */
int endpoint_open(struct endpoint *e, const struct endpoint *former,
		  const struct config_endpoint *c, unsigned gid, char *error, size_t error_len);

/* Closes it; the socket's file goes, unless `successor` (NULL: none) has it. */
void endpoint_close(struct endpoint *e, const struct endpoint *successor);

#endif
