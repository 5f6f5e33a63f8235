/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel tells by netlink of its own accord: TCP sockets with the "tls" ULP, the network
 * devices and what of TLS they can do, and which generic netlink families there are. Always of
 * the caller's network namespace. A second witness beside the kernel programs.
 *
 * Nothing stays open between calls. A dump that the kernel says was disturbed is asked for again,
 * three times in all. Every call returns 0 or
 *   -ETIMEDOUT  a question had no whole answer within NETLINK_DEADLINE_MS
 *   -EINTR      disturbed every time
 *   -EBADMSG    what came is not what the kernel's headers describe
 *   -errno      the kernel's, or of socket(2) and its like
 */
#ifndef KTLSD_BASE_NETLINK_H
#define KTLSD_BASE_NETLINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

enum { NETLINK_DEADLINE_MS = 5000 };

/* A TCP socket that has the "tls" ULP. What the kernel does not tell is 0. */
struct netlink_socket {
	uint64_t cookie;
	uint32_t inode; /* 0: no process holds it any more */
	uint32_t uid;
	uint16_t version; /* 0x0303, 0x0304 */
	uint16_t cipher;  /* TLS_CIPHER_* */
	uint16_t tx_conf; /* TLS_CONF_*: BASE is no key */
	uint16_t rx_conf;
	uint16_t tx_max_payload; /* bytes of a record; by 7.3, not by 6.12 */
	bool tx_zero_copy;	 /* told only of a device that sends */
	bool rx_no_pad;
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t state;	/* TCP_ESTABLISHED ... */
};

/* The structure is lent for the call. Anything but 0 ends the listing and is returned. */
typedef int netlink_socket_fn(const struct netlink_socket *socket, void *arg);

/*
 * Hands over every socket, IPv4 first. Also
 *   -EPERM  none was told of, and the caller has no CAP_NET_ADMIN: up to 6.12 the kernel tells
 *           nobody else; 7.3 tells all, so there may be none
 *
 * The kernel takes the lock of every TCP socket in turn, uninterruptibly and unbounded by the
 * deadline: see snapshot_read() in bpf/snapshot.h.
 */
int netlink_list_sockets(netlink_socket_fn *each, void *arg);

/* A feature of a device, as `ethtool -k` shows it. */
struct netlink_feature {
	bool known;	/* the kernel has such a feature */
	bool supported; /* it can be switched (hw) */
	bool wanted;	/* somebody switched it on */
	bool active;	/* it is on */
	bool fixed;	/* it cannot be switched now ("[fixed]") */
};

struct netlink_device {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	bool up;			   /* IFF_UP: the administrator's will, not the cable */
	bool has_features;		   /* false: the kernel told none of this device */
	struct netlink_feature tls_tx;	   /* tls-hw-tx-offload */
	struct netlink_feature tls_rx;	   /* tls-hw-rx-offload */
	struct netlink_feature tls_record; /* tls-hw-record */
};

typedef int netlink_device_fn(const struct netlink_device *device, void *arg);

/* Hands over every device, in the order of the kernel; without features where the kernel has no
 * ethtool netlink. */
int netlink_list_devices(netlink_device_fn *each, void *arg);

/* The service by which tlshd does handshakes for NFS and NVMe/TCP (Linux 6.5 and later). */
#define NETLINK_FAMILY_HANDSHAKE "handshake"

/* The number of a generic netlink family. -ENOENT: the kernel has none of that name. */
int netlink_find_family(const char *name, uint16_t *id);

#endif
