/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Records that the kernel programs write and user space reads.
 *
 * Includes nothing: whoever includes it brings __u8 ... __u64 first (<linux/types.h> on both
 * sides). The layout is a contract between two processes that may be of different releases, so
 * each record begins with what a reader needs to refuse it, holds no pointer, no enum and no
 * hidden padding, and its size is asserted. Never a byte of key material.
 */
#ifndef KTLSD_BPF_EVENT_H
#define KTLSD_BPF_EVENT_H

#define KTLS_SOCKET_MAGIC 0x6b746c73 /* "ktls" */
#define KTLS_SOCKET_ABI 1	     /* +1 whenever a field moves or changes its meaning */

/* An octet that this kernel does not tell. */
#define KTLS_UNKNOWN 255

/* Who carries a direction: the kernel's own numbers (include/net/tls.h). */
enum {
	KTLS_CONF_BASE,	     /* the ULP is attached, no key was given */
	KTLS_CONF_SW,	     /* the kernel */
	KTLS_CONF_HW,	     /* the network device */
	KTLS_CONF_HW_RECORD, /* a TCP offload engine that does TLS too */
	KTLS_N_CONFS,
};

/* struct ktls_socket.flags */
enum {
	/* The device went down under the connection: the kernel carries what KTLS_CONF_HW says
	 * the device does. Netlink and ss(8) keep saying "hw". */
	KTLS_SOCKET_DEGRADED = 1 << 0,
	KTLS_SOCKET_ALL_FLAGS = KTLS_SOCKET_DEGRADED,
};

/* One direction. Sequence numbers are those of the next record, 0 while conf is BASE. */
struct ktls_direction {
	__u64 seq;
	__u64 seq_initial;	/* as the key came in; see snapshot_count_records() */
	__u8 conf;		/* KTLS_CONF_* */
	__u8 seq_initial_known; /* 0: a cipher whose key structure the program does not know */
	__u8 pad[6];
};

/* One TCP socket that has the "tls" ULP. */
struct ktls_socket {
	__u32 magic; /* KTLS_SOCKET_MAGIC */
	__u16 abi;   /* KTLS_SOCKET_ABI */
	__u16 size;  /* sizeof(struct ktls_socket) */

	__u64 cookie; /* as SO_COOKIE and `ss -e` */
	__u64 inode;  /* of the socket's file, 0 when no process holds it any more */

	struct ktls_direction tx;
	struct ktls_direction rx;

	/* TCP payload: TLS framing included, and whatever came before the keys. */
	__u64 bytes_acked;
	__u64 bytes_received;

	__u32 netns;   /* inode number of the network namespace */
	__u32 uid;     /* owner, as the reader's user namespace sees it */
	__u32 ifindex; /* of the device that holds the keys, 0 for none */
	__u32 flags;   /* KTLS_SOCKET_* */

	__u8 local_addr[16]; /* network order; IPv4 in the first four, the others 0 */
	__u8 remote_addr[16];
	__u16 local_port; /* host order */
	__u16 remote_port;
	__u16 family;  /* AF_INET or AF_INET6 */
	__u16 version; /* 0x0303, 0x0304; 0 without any key */
	__u16 cipher;  /* TLS_CIPHER_*; 0 without any key */

	__u8 state;		 /* TCP_ESTABLISHED ... */
	__u8 tx_zero_copy;	 /* TLS_TX_ZEROCOPY_RO: 0, 1 or KTLS_UNKNOWN */
	__u8 rx_no_pad;		 /* TLS_RX_EXPECT_NO_PAD: likewise */
	__u8 rx_zero_copy;	 /* rx may decrypt into the reader's pages: likewise */
	__u8 key_update_pending; /* rx waits for its next key: likewise */
	__u8 pad;

	char device[16]; /* name of ifindex, NUL-terminated, "" for none */
};

_Static_assert(sizeof(struct ktls_direction) == 24, "layout of struct ktls_direction");
_Static_assert(sizeof(struct ktls_socket) == 168, "layout of struct ktls_socket");

#endif
