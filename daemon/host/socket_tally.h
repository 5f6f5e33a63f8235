/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a walk over the kernel-TLS sockets adds up to: how many of them are of which kind. */
#ifndef KTLSD_HOST_SOCKET_TALLY_H
#define KTLSD_HOST_SOCKET_TALLY_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counters.h"
#include "bpf/event.h"

struct roster_tag;

enum { TALLY_NONE, TALLY_KERNEL, TALLY_DEVICE, TALLY_N_MODES };
enum { TALLY_OPEN, TALLY_CLOSING, TALLY_N_STATES };

/* Versions and ciphers as the labels have them: "none" first, "other" last. */
enum { TALLY_N_VERSIONS = 3, TALLY_N_CIPHERS = 6, TALLY_MAX_DEVICES = 32 };
const char *socket_tally_version(int slot);
const char *socket_tally_cipher(int slot);
int socket_tally_version_slot(uint16_t version);
int socket_tally_cipher_slot(uint16_t kernel_cipher);

struct socket_tally {
	size_t n;
	/* Of sockets that are not ktlsd's. */
	uint32_t other[N_DIRECTIONS][TALLY_N_MODES][TALLY_N_VERSIONS][TALLY_N_CIPHERS]
		      [TALLY_N_STATES];
	/* Of ktlsd's, those on the device, which ktlsd itself takes for the kernel's. */
	uint32_t own_device[N_DIRECTIONS][TALLY_N_VERSIONS][TALLY_N_CIPHERS][CONN_N_STATES];
	/* Why kernel-TLS directions are not on a device, of ktlsd's sockets (1) and the others. */
	uint32_t reasons[2][N_DIRECTIONS][REASON_COUNT];
	uint32_t degraded[N_DIRECTIONS]; /* of all */
	struct socket_tally_device {
		char name[KTLS_DEVICE_LEN];
		uint32_t n[N_DIRECTIONS];
	} devices[TALLY_MAX_DEVICES];
	unsigned n_devices;
};

/* Adds all up. `tags` are ktlsd's connections, sorted by cookie. */
void socket_tally_count(struct socket_tally *t, const struct ktls_socket *sockets, size_t n,
			const struct roster_tag *tags, size_t n_tags);

#endif
