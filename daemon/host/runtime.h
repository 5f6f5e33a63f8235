/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration made usable: listeners with their TLS offers, ready for the workers. */
#ifndef KTLSD_HOST_RUNTIME_H
#define KTLSD_HOST_RUNTIME_H

#include <stddef.h>

struct config;
struct listener;
struct ticket_keys;

struct runtime {
	struct listener **listeners; /* references */
	unsigned n_listeners;
};

/*
 * Builds all listeners; those of a name that `former` has (NULL: none) go on with its totals. 0, or -errno with a sentence in `error` that names the listener and the
 * file: -EINVAL for certificates and keys that do not fit, -ENOMEM.
 */
int runtime_build(struct runtime *rt, const struct config *config, const struct runtime *former,
		  struct ticket_keys *tickets, char *error, size_t error_len);

/* Releases the listeners; a zeroed runtime is fine. */
void runtime_fini(struct runtime *rt);

#endif
