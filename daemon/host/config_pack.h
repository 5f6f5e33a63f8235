/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of a packed configuration, for tests; config_pack() and config_unpack() use them. */
#ifndef KTLSD_HOST_CONFIG_PACK_H
#define KTLSD_HOST_CONFIG_PACK_H

#include <stddef.h>
#include <stdint.h>

struct config;
struct config_error;

/* config_unpack() of bytes in memory, which may be any. */
struct config *config_pack_decode(const uint8_t *bytes, size_t len, struct config_error *error);

#endif
