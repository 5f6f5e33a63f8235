/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why the records of a kernel-TLS socket are not on the network device: decided from what was
 * seen of it, never guessed. Reads nothing itself: facts come from the iterator (snapshot.h), the
 * probes' events and the devices' features.
 */
#ifndef KTLSD_BPF_OFFLOAD_H
#define KTLSD_BPF_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/counters.h"
#include "base/reason.h"

/* Something may also not have been looked at. */
enum offload_answer { OFFLOAD_UNKNOWN, OFFLOAD_NO, OFFLOAD_YES };

/* What is known of one direction of one socket. */
struct offload_facts {
	enum direction direction;
	uint8_t conf;	  /* KTLS_CONF_* of this direction */
	bool degraded;	  /* KTLS_SOCKET_DEGRADED */
	uint16_t version; /* 0x0303, 0x0304; 0 without any key */
	uint16_t cipher;  /* TLS_CIPHER_*; 0 without any key */

	/* errno of the last setsockopt(TLS_TX or TLS_RX) that was refused, 0 for none seen */
	int key_errno;

	/*
	 * The device through which the socket's packets leave: that of its route, or the one
	 * below it where that is a bond or a VLAN. Can it do TLS in this direction (hw, or fixed
	 * on), and is that switched on? As it is now, if nobody looked when the keys came in.
	 */
	enum offload_answer supported;
	enum offload_answer active;
	/* Was there such a device, and was it up, when the keys came in? UNKNOWN if nobody looked. */
	enum offload_answer device_found;
	enum offload_answer device_up;

	/*
	 * tls_set_device_offload() or tls_set_device_offload_rx(), for the keys in use: whether a
	 * program saw it return, with which errno, and whether the tracepoint
	 * tls_device_offload_set fired in it, which stands behind the driver's answer.
	 */
	bool attempt_seen;
	bool driver_reached;
	int attempt_errno;

	/*
	 * Packets that the kernel encrypted on the CPU as they were about to leave through another
	 * device than the one with the keys (tls_validate_xmit_skb()). Those that a driver hands
	 * back by tls_encrypt_skb() do not count, although both end in tls_sw_fallback().
	 */
	uint64_t packets_elsewhere;
};

/* REASON_NONE when the device does it, else why it does not. */
enum reason offload_explain(const struct offload_facts *facts);

#endif
