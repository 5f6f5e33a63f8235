/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses with ports as rows have them, and patterns of them as people type them. */
#ifndef KTLSD_CLI_ENDPOINT_H
#define KTLSD_CLI_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

/* An address of either family as IPv6, IPv4 as ::ffff:a.b.c.d; of a pattern only the first
 * n_bits count, and the port unless it is -1. */
struct endpoint {
	uint8_t address[16];
	int n_bits;
	int port;
};

/* Reads "192.0.2.7:443" or "[2001:db8::1]:443": 0 or -EINVAL. */
int endpoint_parse(const char *text, struct endpoint *endpoint);

/* Reads ADDRESS, ADDRESS:PORT, [ADDRESS6]:PORT, :PORT or NETWORK/BITS: 0 or -EINVAL. */
int endpoint_parse_pattern(const char *text, struct endpoint *pattern);

bool endpoint_matches(const struct endpoint *pattern, const struct endpoint *endpoint);

#endif
