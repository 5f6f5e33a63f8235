/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the text of a configuration to a checked one. The text alone: no file, no resolver. */
#ifndef KTLSD_HOST_CONFIG_PARSE_H
#define KTLSD_HOST_CONFIG_PARSE_H

struct config;
struct config_source;

/*
 * The configuration that the text describes, to be freed with config_free(): certificates have
 * their paths and no contents, TCP addresses their texts and no socket addresses. Or NULL with
 * the source's error filled.
 */
struct config *config_parse(struct config_source *source);

#endif
