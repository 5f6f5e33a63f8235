/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the loader tells the kernel programs, and the next loader: by it a ktlsd knows whether what
 * an earlier one pinned is its own. Includes nothing, as event.h.
 */
#ifndef KTLSD_BPF_META_H
#define KTLSD_BPF_META_H

#define KTLS_META_MAGIC 0x6b746c6d /* "ktlm" */

struct ktls_meta {
	__u32 magic; /* KTLS_META_MAGIC */
	__u32 abi;   /* KTLS_ABI */
	__u32 socket_size;
	__u32 event_size;
	__u32 total_size;
	__u32 pad;
	__u64 build;	/* hash of the object */
	__u64 since_ns; /* CLOCK_BOOTTIME when it was loaded */
	/* NETIF_F_HW_TLS_TX and _RX: only the kernel's BTF knows them, and only to user space, for
	 * CO-RE does not find members of an enum without a name. */
	__u64 tx_feature;
	__u64 rx_feature;
};

struct ktls_settings {
	__u32 payload;	   /* 1: bytes are accounted */
	__u32 payload_run; /* +1 with each switching on */
};

_Static_assert(sizeof(struct ktls_meta) == 56, "layout of struct ktls_meta");
_Static_assert(sizeof(struct ktls_settings) == 8, "layout of struct ktls_settings");

#endif
