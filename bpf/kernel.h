/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The slices of the kernel's structures that the programs read, for CO-RE: only names matter,
 * offsets are filled in when a program is loaded. Instead of a generated vmlinux.h, so that a
 * reader sees everything that is touched, and that no key is.
 *
 * Flavours (name___since_or_before) stand for kernels where a member differs; libbpf drops
 * everything from the triple underscore on when it looks the type up.
 */
#ifndef KTLSD_BPF_KERNEL_H
#define KTLSD_BPF_KERNEL_H

#include <linux/bpf.h>
#include <linux/tls.h>
#include <linux/types.h>

enum {
	AF_INET = 2,
	AF_INET6 = 10,
	IFNAMSIZ = 16,
	TCP_ULP_NAME_MAX = 16,
	IFF_UP = 1,
	MSG_PEEK = 2,
	NETDEV_DOWN = 2,
	SOL_TLS = 282,
};

/* Errors that mean something of their own here (include/uapi/asm-generic/errno*.h). */
enum {
	EEXIST = 17,
	EINVAL = 22,
	EBADMSG = 74,
	EMSGSIZE = 90,
	EOPNOTSUPP = 95,
};

/* In sk_user_data: a sockmap's. Since 2a0133723f9e ("net: fix refcount bug in sk_psock_get (2)"),
 * 6.0. */
#define SK_USER_DATA_PSOCK 4UL

/* enum tls_context_flags is in no BTF. Bit 0 since c55dcdd435aa ("net/tls: Fix use-after-free
 * after the TLS device goes down and up"), 5.13, and still in 7.3. */
#define TLS_RX_DEV_DEGRADED (1UL << 0)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct seq_file;
struct file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct nsproxy {
	struct net *net_ns;
};

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct nsproxy *nsproxy;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

struct bpf_map;

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};

/* atomic64_t and atomic_long_t. */
struct counter {
	__s64 counter;
};

struct mutex {
	struct counter owner;
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
	__u32 uid;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

struct in6_addr {
	__u8 octets[16];
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct {
		struct net *net;
	} skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	struct counter skc_cookie;
	struct {
		struct {
			int counter;
		} refs;
	} skc_refcnt;
};

struct inode {
	unsigned long i_ino;
};

struct socket_alloc {
	struct inode vfs_inode;
};

struct socket {
	struct sock *sk;
};

struct dst_entry {
	struct net_device *dev;
};

struct sock {
	struct sock_common __sk_common;
	struct dst_entry *sk_dst_cache;
	struct socket *sk_socket;
	void *sk_user_data;
	struct {
		__u32 val;
	} sk_uid;
};

struct tcp_ulp_ops {
	char name[TCP_ULP_NAME_MAX];
};

struct inet_connection_sock {
	const struct tcp_ulp_ops *icsk_ulp_ops;
	void *icsk_ulp_data;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u64 bytes_received;
	__u64 bytes_acked;
};

struct net_device {
	char name[IFNAMSIZ];
	int ifindex;
	unsigned int flags;
	__u64 features;
	__u64 hw_features;
	struct {
		struct net *net;
	} nd_net;
};

struct sk_buff {
	struct net_device *dev;
};

struct netdev_notifier_info {
	struct net_device *dev;
};

struct tls_prot_info {
	__u16 version;
	__u16 cipher_type;
};

struct cipher_context {
	char rec_seq[8];
};

union tls_crypto_context {
	struct tls_crypto_info info;
};

struct tls_context {
	struct tls_prot_info prot_info;
	__u8 tx_conf : 3;
	__u8 rx_conf : 3;
	__u8 zerocopy_sendfile : 1;
	__u8 rx_no_pad : 1;
	void *priv_ctx_rx;
	struct net_device *netdev;
	struct cipher_context tx;
	struct cipher_context rx;
	_Bool pending_open_record_frags;
	struct mutex tx_lock;
	unsigned long flags;
	union tls_crypto_context crypto_send;
	union tls_crypto_context crypto_recv;
};

/* Before 6d5029e54700 ("tls: store rec_seq directly within cipher_context"), 6.7, it was a
 * pointer. Both are 8 bytes wide: only the kind of the member tells them apart. */
struct cipher_context___before_6_7 {
	char *rec_seq;
};

struct tls_context___before_6_7 {
	struct cipher_context___before_6_7 tx;
	struct cipher_context___before_6_7 rx;
};

struct tls_strparser {
	struct sock *sk;
	__u32 stopped : 1;
};

/* First member of struct tls_offload_context_rx: priv_ctx_rx is one for SW and HW alike. */
struct tls_sw_context_rx {
	__u8 zc_capable : 1;
	/* since 0471b1093e3a ("tls: block decryption when a rekey is pending"), 6.14 */
	_Bool key_update_pending;
};

#pragma clang attribute pop

#endif
