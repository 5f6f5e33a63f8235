/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of a listener: protocols, versions, cipher suites. */
#ifndef KTLSD_HOST_CONFIG_LIST_H
#define KTLSD_HOST_CONFIG_LIST_H

struct config_listener;
struct config_source;
struct raw_listener;

/*
 * Checks the lists of the listener at the path `at` and stores them. -EINVAL or -ENOMEM with
 * the source's error filled; what was stored is config_free()'s in any case.
 */
int config_list_store(struct config_source *source, const char *at, const struct raw_listener *raw,
		      struct config_listener *listener);

#endif
