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
#define KTLS_EVENT_MAGIC 0x6b746c65  /* "ktle" */
#define KTLS_TOTAL_MAGIC 0x6b746c74  /* "ktlt" */
#define KTLS_HOLDER_MAGIC 0x6b746c68 /* "ktlh" */

/* +1 whenever anything in this file moves or changes its meaning. Whoever finds pins of another
 * number replaces them. */
#define KTLS_ABI 4

/* An octet that this kernel does not tell. */
#define KTLS_UNKNOWN 255

enum {
	KTLS_COMM_LEN = 16,
	KTLS_DEVICE_LEN = 16,
	KTLS_EVENTS_BYTES = 1 << 20,	/* the ring buffer */
	KTLS_EVENTS_WAKE_NS = 10000000, /* after an error that woke its reader, none does so long */
};

/* The two directions of a socket, and of what stands here with an index. */
enum {
	KTLS_TX,
	KTLS_RX,
	KTLS_N_DIRECTIONS,
	KTLS_BOTH = KTLS_UNKNOWN, /* an event of the whole socket */
};

/* Who carries a direction: the kernel's own numbers (include/net/tls.h). */
enum {
	KTLS_CONF_BASE,	     /* the ULP is attached, no key was given */
	KTLS_CONF_SW,	     /* the kernel */
	KTLS_CONF_HW,	     /* the network device */
	KTLS_CONF_HW_RECORD, /* a TCP offload engine that does TLS too */
	KTLS_N_CONFS,
};

/* How far the kernel came when it offered keys to the network device (struct ktls_direction). */
enum {
	KTLS_OFFER_NOT_SEEN,	  /* the keys are older than the programs */
	KTLS_OFFER_BEFORE_DRIVER, /* the kernel itself refused; device_errno says with what */
	KTLS_OFFER_DRIVER,	  /* the driver answered; device_errno, 0: it took them */
	KTLS_N_OFFERS,
};

/* struct ktls_socket.flags */
enum {
	/* The device went down under the connection: the kernel carries what KTLS_CONF_HW says
	 * the device does. Netlink and ss(8) keep saying "hw". */
	KTLS_SOCKET_DEGRADED = 1 << 0,
	/* A sockmap program (sk_psock) is on the socket. */
	KTLS_SOCKET_SOCKMAP = 1 << 1,
	/* Payload bytes have been counted since the first key came in. */
	KTLS_SOCKET_PAYLOAD = 1 << 2,
	KTLS_SOCKET_ALL_FLAGS = (1 << 3) - 1,
};

/* struct ktls_socket.egress_features: of the device that the socket's route leads to. SUPPORTED:
 * it could (hw_features); ACTIVE: it is switched on (features). */
enum {
	KTLS_EGRESS_KNOWN = 1 << 0, /* there is a route with a device */
	KTLS_EGRESS_UP = 1 << 1,
	KTLS_EGRESS_TX_SUPPORTED = 1 << 2,
	KTLS_EGRESS_TX_ACTIVE = 1 << 3,
	KTLS_EGRESS_RX_SUPPORTED = 1 << 4,
	KTLS_EGRESS_RX_ACTIVE = 1 << 5,
	/* It went down, or away: the kernel has put a device in its place that drops everything
	 * (dst_dev_put()), and nothing else is known. */
	KTLS_EGRESS_GONE = 1 << 6,
	KTLS_EGRESS_ALL = (1 << 7) - 1,
};

/*
 * One direction. What probes count is of the time since they saw the socket's first key, and 0
 * where they did not (keys_seen); nothing is known of before.
 */
struct ktls_direction {
	__u64 seq;	      /* of the next record; 0 while conf is BASE */
	__u64 seq_initial;    /* as the key came in; see snapshot_count_records() */
	__u64 records_before; /* under former keys, and before somebody read these back */
	__u64 payload;	      /* bytes; see KTLS_SOCKET_PAYLOAD */
	__u32 rekeys;
	__u32 rekey_failures;
	__u32 errors;		/* rx: records that did not decrypt; tx: that could not be sent */
	__u32 framing_errors;	/* rx: records with a bad header or length */
	__u32 resyncs;		/* between kernel and device */
	__u32 soft_packets;	/* tx: encrypted by the kernel though a device has the keys */
	__u16 device_errno;	/* how the offer to the device ended, see KTLS_OFFER_* */
	__u8 offer;		/* KTLS_OFFER_* */
	__u8 conf;		/* KTLS_CONF_* */
	__u8 seq_initial_known; /* 0: a cipher whose key structure the program does not know */
	__u8 offer_egress;	/* KTLS_EGRESS_* when the offer was made; 0 where none was seen */
	__u8 keys_seen;		/* the probes were there when the first key came in */
	__u8 key_errno;		/* conf is BASE: how the last attempt at a key was refused */
};

/* One TCP socket that has the "tls" ULP. */
struct ktls_socket {
	__u32 magic; /* KTLS_SOCKET_MAGIC */
	__u16 abi;   /* KTLS_ABI */
	__u16 size;  /* sizeof(struct ktls_socket) */

	__u64 cookie; /* as SO_COOKIE and `ss -e`; 0: nobody has asked for it yet (task walk) */
	__u64 inode;  /* of the socket's file, 0 when no process holds it any more */

	struct ktls_direction dir[KTLS_N_DIRECTIONS];

	/* TCP payload: TLS framing included, and whatever came before the keys. */
	__u64 bytes_acked;
	__u64 bytes_received;

	__u64 since_ns;	     /* CLOCK_BOOTTIME when a probe first saw it, 0: older than they */
	__u64 last_error_ns; /* CLOCK_BOOTTIME, 0: none seen */

	__u32 netns;   /* inode number of the network namespace */
	__u32 uid;     /* owner, as the reader's user namespace sees it */
	__u32 ifindex; /* of the device that holds the keys, 0 for none */
	__u32 egress_ifindex;
	__u32 flags;	     /* KTLS_SOCKET_* */
	__u32 installer_pid; /* who set the first key, 0: not seen */
	__u32 holder_pid;    /* a process that has it open: only from the task walk, else 0 */
	__u32 pad0;

	__u8 local_addr[16]; /* network order; IPv4 in the first four, the others 0 */
	__u8 remote_addr[16];
	__u16 local_port; /* host order */
	__u16 remote_port;
	__u16 family;	  /* AF_INET or AF_INET6 */
	__u16 version;	  /* 0x0303, 0x0304; 0 without any key */
	__u16 cipher;	  /* TLS_CIPHER_*; 0 without any key */
	__u16 last_errno; /* of the last error of either direction */

	__u8 state;		 /* TCP_ESTABLISHED ... */
	__u8 tx_zero_copy;	 /* TLS_TX_ZEROCOPY_RO: 0, 1 or KTLS_UNKNOWN */
	__u8 rx_no_pad;		 /* TLS_RX_EXPECT_NO_PAD: likewise */
	__u8 rx_zero_copy;	 /* rx may decrypt into the reader's pages: likewise */
	__u8 key_update_pending; /* rx waits for its next key: likewise */
	__u8 egress_features;	 /* KTLS_EGRESS_* */
	__u8 pad1[6];

	/* Names, NUL-terminated, "" for none. */
	char device[KTLS_DEVICE_LEN];
	char egress[KTLS_DEVICE_LEN];
	char installer_comm[KTLS_COMM_LEN];
	char holder_comm[KTLS_COMM_LEN];
};

/* Who has a socket of the reader's own network namespace open, once a process and descriptor: the
 * rest of it is told by the walk over those sockets. */
struct ktls_holder {
	__u32 magic; /* KTLS_HOLDER_MAGIC */
	__u16 abi;
	__u16 size;
	__u64 inode; /* of the socket's file */
	__u32 pid;
	__u32 pad;
	char comm[KTLS_COMM_LEN];
};

/*
 * What can happen to a socket. Order and numbers are part of the ABI. All of it is counted in the
 * totals; what is common and no news makes no event: a TCP_ULP that worked, and keys that were
 * not offered to the device because it never takes any.
 */
enum {
	KTLS_EVENT_ULP,	      /* TCP_ULP "tls"; error: refused */
	KTLS_EVENT_KEYS,      /* the first key of a direction; error: refused */
	KTLS_EVENT_REKEY,     /* another key; error: refused */
	KTLS_EVENT_KEYS_READ, /* somebody read the keys back by getsockopt() */
	KTLS_EVENT_DEVICE, /* keys were offered to the device; error: refused, stays in the kernel */
	KTLS_EVENT_ERROR,  /* the connection is unusable: EBADMSG did not decrypt, ... */
	KTLS_EVENT_FRAMING, /* a record with a bad header or length */
	KTLS_EVENT_RESYNC,  /* between kernel and device: an event for the 1st, 2nd, 4th, 8th ... */
	KTLS_EVENT_SOFT_PACKET, /* the first packet encrypted by the kernel though a device has the keys */
	KTLS_EVENT_DEVICE_DOWN, /* the device went away; of the device, not of a socket */
	KTLS_EVENT_CLOSE,	/* with the final counts */
	KTLS_N_EVENTS,
};

/* One event in the ring buffer. What is not known is 0 or "". */
struct ktls_event {
	__u32 magic; /* KTLS_EVENT_MAGIC */
	__u16 abi;
	__u16 size;

	__u64 time_ns;			  /* CLOCK_BOOTTIME */
	__u64 cookie;			  /* 0: nobody has asked for the socket's cookie yet */
	__u64 records[KTLS_N_DIRECTIONS]; /* CLOSE: all of its life, see records_known */
	__u64 payload[KTLS_N_DIRECTIONS]; /* CLOSE, where accounted */

	__u32 netns;
	__u32 pid; /* of the task that ran then: for ERROR and later it may be anybody */
	__u32 ifindex;
	__u16 error;	/* errno, 0: it worked */
	__u8 event;	/* KTLS_EVENT_* */
	__u8 direction; /* KTLS_TX, KTLS_RX or KTLS_BOTH */

	__u8 local_addr[16];
	__u8 remote_addr[16];
	__u16 local_port;
	__u16 remote_port;
	__u16 family; /* 0: no socket */
	__u16 version;
	__u16 cipher;
	__u8 conf[KTLS_N_DIRECTIONS];
	__u8 offer; /* DEVICE: KTLS_OFFER_* */
	__u8 records_known[KTLS_N_DIRECTIONS];
	__u8 unsent; /* CLOSE: bytes were taken (MSG_MORE) for a record that was never sent */
	char comm[KTLS_COMM_LEN];
	char device[KTLS_DEVICE_LEN];
	__u8 egress_features; /* DEVICE: KTLS_EGRESS_* */
	__u8 pad[7];
};

/* In totals, any cipher that has no number in <linux/tls.h>. */
#define KTLS_CIPHER_OTHER 0xffff

/*
 * Totals since the programs were loaded: a count for each combination that was seen. Events that
 * have no direction, version, ... have 0 there (KTLS_BOTH for the direction). Anybody may hand in
 * any version and cipher with keys that are refused: each member has few values here, so that
 * nobody can use the rows up.
 */
struct ktls_total_key {
	__u8 event;	/* KTLS_EVENT_*, or KTLS_N_EVENTS + KTLS_OBSERVER_* */
	__u8 direction; /* KTLS_TX, KTLS_RX, KTLS_BOTH */
	__u8 conf;	/* KTLS_CONF_* of that direction */
	__u8 ok;	/* 1: error was 0 */
	__u16 version;	/* 0x0303, 0x0304; 0 for any other too */
	__u16 cipher;	/* TLS_CIPHER_*, KTLS_CIPHER_OTHER */
};

/* The programs' own health, among the totals. */
enum {
	KTLS_OBSERVER_EVENTS_LOST,  /* the ring buffer was full */
	KTLS_OBSERVER_HISTORY_FULL, /* a socket could not be remembered */
	KTLS_OBSERVER_TOTALS_FULL,  /* no room for a row (these three always have theirs) */
	KTLS_N_OBSERVER,
};

struct ktls_total {
	__u32 magic; /* KTLS_TOTAL_MAGIC */
	__u16 abi;
	__u16 size;
	struct ktls_total_key key;
	__u64 count;
	__u64 records; /* CLOSE: the sum of what those sockets carried in this direction */
	__u64 payload; /* likewise, bytes, where accounted */
};

_Static_assert(sizeof(struct ktls_direction) == 64, "layout of struct ktls_direction");
_Static_assert(sizeof(struct ktls_socket) == 336, "layout of struct ktls_socket");
_Static_assert(sizeof(struct ktls_holder) == 40, "layout of struct ktls_holder");
_Static_assert(sizeof(struct ktls_event) == 160, "layout of struct ktls_event");
_Static_assert(sizeof(struct ktls_total_key) == 8, "layout of struct ktls_total_key");
_Static_assert(sizeof(struct ktls_total) == 40, "layout of struct ktls_total");

#endif
