/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fetches what a configuration names: users, addresses, certificates and keys. */
#ifndef KTLSD_HOST_CONFIG_GATHER_H
#define KTLSD_HOST_CONFIG_GATHER_H

struct config;
struct config_source;

/*
 * Completes what config_parse() made. 0, or a negative errno with the source's error filled;
 * the configuration is then incomplete and good for config_free() alone. May block: see config.h.
 */
int config_gather(struct config *config, struct config_source *source);

#endif
