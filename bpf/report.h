/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel-TLS socket as the row of the API that shows it: type Connection of io.ktlsd.varlink.
 * Shared by ktlsd and by ktlsctl where no ktlsd runs; knows nothing of ktlsd's own connections.
 */
#ifndef KTLSD_BPF_REPORT_H
#define KTLSD_BPF_REPORT_H

#include <linux/types.h>
#include <netinet/in.h>
#include <stdint.h>

#include "base/reason.h"
#include "bpf/event.h"

struct json;
struct offload_facts;

/* From where and when a socket is looked at. */
struct report_reader {
	uint64_t now_ns; /* CLOCK_BOOTTIME */
	uint32_t netns;	 /* its network namespace: sockets of others name theirs; 0: not known */
};

/* The calling process, now. */
void report_reader_init(struct report_reader *reader);

/* "[" INET6 "]:65535" */
enum { REPORT_ADDRESS_LEN = INET6_ADDRSTRLEN + 9 };

/* `addr` in network order, `port` in the host's. */
void report_format_address(char text[static REPORT_ADDRESS_LEN], int family, const void *addr,
			   unsigned port);

/* The row of a socket of another program's; the caller's. */
struct json *report_socket(const struct ktls_socket *s, const struct report_reader *reader);

/*
 * For the row of a connection of ktlsd's: what the kernel knows of the socket, and of a direction
 * (KTLS_TX, KTLS_RX) that the kernel carries, for the object of type Direction.
 */
void report_add_socket(struct json *row, const struct ktls_socket *s,
		       const struct report_reader *reader);
void report_add_direction(struct json *o, const struct ktls_socket *s, int direction);

/* Why no network device carries a direction that has keys; REASON_NONE: one does, or no keys. */
enum reason report_offload(const struct ktls_socket *s, int direction);

/* Tells the facts what the device that packets leave by was like (KTLS_EGRESS_*; 0: there was none).
 * facts->direction is set. */
void report_set_egress(struct offload_facts *facts, uint8_t features);

/* Who carries a direction by the kernel's word: "kernel", "device", or "none" without a key. */
const char *report_mode(const struct ktls_socket *s, int direction);

#endif
