/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The programs that answer when somebody reads: they cost nothing until then. */
#ifndef KTLSD_BPF_ITERATORS_BPF_H
#define KTLSD_BPF_ITERATORS_BPF_H

#include "bpf/context.bpf.h"
#include "bpf/history.bpf.h"
#include "bpf/maps.bpf.h"

static void fill_directions(struct ktls_socket *out, const struct tls_context *ctx)
{
#pragma unroll
	for (int d = KTLS_TX; d < KTLS_N_DIRECTIONS; d++) {
		struct ktls_direction *dir = &out->dir[d];

		dir->conf = read_conf(ctx, d);
		if (dir->conf == KTLS_CONF_BASE)
			continue;
		dir->seq = read_current_seq(ctx, d);
		dir->seq_initial_known = read_initial_seq(ctx, d, &dir->seq_initial);
	}
	/* A setsockopt that failed leaves its version and cipher behind. */
	if (out->dir[KTLS_TX].conf != KTLS_CONF_BASE || out->dir[KTLS_RX].conf != KTLS_CONF_BASE) {
		out->version = read_version(ctx);
		out->cipher = read_cipher(ctx);
	}
}

static void fill_receiver(struct ktls_socket *out, const struct tls_context *ctx)
{
	const struct tls_sw_context_rx *rx = BPF_CORE_READ(ctx, priv_ctx_rx);

	out->rx_zero_copy = KTLS_UNKNOWN;
	out->key_update_pending = KTLS_UNKNOWN;
	if (!rx ||
	    (out->dir[KTLS_RX].conf != KTLS_CONF_SW && out->dir[KTLS_RX].conf != KTLS_CONF_HW))
		return;
	out->rx_zero_copy = READ_BIT(rx, zc_capable);
	if (bpf_core_field_exists(rx->key_update_pending))
		out->key_update_pending = BPF_CORE_READ(rx, key_update_pending);
}

static void fill_device(struct ktls_socket *out, const struct tls_context *ctx)
{
	const struct net_device *dev = find_device(ctx);

	if (BPF_CORE_READ(ctx, flags) & TLS_RX_DEV_DEGRADED)
		out->flags |= KTLS_SOCKET_DEGRADED;
	if (!dev)
		return;
	out->ifindex = BPF_CORE_READ(dev, ifindex);
	BPF_CORE_READ_STR_INTO(&out->device, dev, name);
}

static void fill_egress(struct ktls_socket *out, const struct sock *sk)
{
	const struct net_device *dev = find_egress(sk);

	if (!dev)
		return;
	out->egress_features = KTLS_EGRESS_KNOWN | read_egress_features(dev);
	if (out->egress_features & KTLS_EGRESS_GONE)
		return;
	out->egress_ifindex = BPF_CORE_READ(dev, ifindex);
	BPF_CORE_READ_STR_INTO(&out->egress, dev, name);
}

static void fill_endpoints(struct ktls_socket *out, const struct sock_common *skc)
{
	out->family = skc->skc_family;
	out->state = skc->skc_state;
	out->local_port = skc->skc_num;
	out->remote_port = bpf_ntohs(skc->skc_dport);
	out->netns = BPF_CORE_READ(skc, skc_net.net, ns.inum);
	if (out->family == AF_INET) {
		*(__be32 *)out->local_addr = skc->skc_rcv_saddr;
		*(__be32 *)out->remote_addr = skc->skc_daddr;
	} else if (bpf_core_field_exists(skc->skc_v6_daddr)) { /* CONFIG_IPV6 */
		BPF_CORE_READ_INTO(&out->local_addr, skc, skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&out->remote_addr, skc, skc_v6_daddr);
	}
}

static void fill_past_direction(struct ktls_direction *out, const struct history_direction *past)
{
	out->records_before = past->records_before;
	out->payload = past->payload;
	out->rekeys = past->rekeys;
	out->rekey_failures = past->rekey_failures;
	out->errors = past->errors;
	out->framing_errors = past->framing_errors;
	out->resyncs = past->resyncs;
	out->soft_packets = past->soft_packets;
	out->device_errno = past->device_errno;
	out->offer = past->offer;
	out->offer_egress = past->offer_egress;
	out->keys_seen = past->keys_seen;
	out->key_errno = past->key_errno;
}

static void fill_past(struct ktls_socket *out, const struct history *past)
{
	__u32 run = read_payload_run();

	out->since_ns = past->since_ns;
	out->last_error_ns = past->last_error_ns;
	out->last_errno = past->last_errno;
	out->installer_pid = past->installer_pid;
	__builtin_memcpy(out->installer_comm, past->installer_comm, sizeof(out->installer_comm));
	if (run && past->payload_run == run)
		out->flags |= KTLS_SOCKET_PAYLOAD;
	fill_past_direction(&out->dir[KTLS_TX], &past->dir[KTLS_TX]);
	fill_past_direction(&out->dir[KTLS_RX], &past->dir[KTLS_RX]);
}

static __u64 read_inode(const struct sock *sk)
{
	/* struct socket is the first member of struct socket_alloc (include/net/sock.h). */
	const struct socket_alloc *file = (const void *)BPF_CORE_READ(sk, sk_socket);

	return file ? BPF_CORE_READ(file, vfs_inode.i_ino) : 0;
}

/* The TLS state of a socket; NULL when it has none, or no longer, for it is being closed. */
static const struct tls_context *find_context(const struct tcp_sock *tp)
{
	const struct tcp_ulp_ops *ops = tp->inet_conn.icsk_ulp_ops;
	char name[TCP_ULP_NAME_MAX] = {};

	if (!ops)
		return NULL;
	BPF_CORE_READ_STR_INTO(&name, ops, name);
	if (__builtin_memcmp(name, "tls", sizeof("tls")))
		return NULL;
	return tp->inet_conn.icsk_ulp_data;
}

/* Everything but who reads and who holds it. */
static __always_inline void fill(struct ktls_socket *out, struct tcp_sock *tp,
				 const struct tls_context *ctx)
{
	const struct sock *sk = (const void *)tp;
	const struct history *past;

	out->cookie = bpf_get_socket_cookie(tp);
	out->inode = read_inode(sk);
	out->bytes_acked = tp->bytes_acked;
	out->bytes_received = tp->bytes_received;
	out->tx_zero_copy = READ_BIT(ctx, zerocopy_sendfile);
	out->rx_no_pad = READ_BIT(ctx, rx_no_pad);
	fill_endpoints(out, (const void *)tp);
	fill_directions(out, ctx);
	fill_receiver(out, ctx);
	fill_device(out, ctx);
	fill_egress(out, sk);
	if ((__u64)BPF_CORE_READ(sk, sk_user_data) & SK_USER_DATA_PSOCK)
		out->flags |= KTLS_SOCKET_SOCKMAP;
	past = history_find(sk, ctx);
	if (past)
		fill_past(out, past);
}

#define NEW_SOCKET                                                                              \
	(struct ktls_socket)                                                                    \
	{                                                                                       \
		.magic = KTLS_SOCKET_MAGIC, .abi = KTLS_ABI, .size = sizeof(struct ktls_socket) \
	}

/*
 * Every TLS socket of the reader's network namespace, those older than the program included.
 * The kernel holds the socket's lock around each call, so nobody changes keys meanwhile and
 * tls_context stays.
 */
SEC("iter/tcp")
int ktls_iter_tcp(struct bpf_iter__tcp *iter)
{
	struct sock_common *skc = iter->sk_common;
	struct tcp_sock *tp = skc ? bpf_skc_to_tcp_sock(skc) : NULL;
	const struct tls_context *ctx = tp ? find_context(tp) : NULL;

	if (ctx) {
		struct ktls_socket out = NEW_SOCKET;

		out.uid = iter->uid;
		fill(&out, tp, ctx);
		bpf_seq_write(iter->meta->seq, &out, sizeof(out));
	}
	return 0;
}

/* The network namespace of whoever reads, which is all that the walk over TCP sockets shows. */
static const struct net *find_reader_net(void)
{
	const struct task_struct *reader = (const void *)bpf_get_current_task();

	return BPF_CORE_READ(reader, nsproxy, net_ns);
}

static void tell_holder(struct seq_file *seq, const struct task_struct *task, const struct sock *sk)
{
	struct ktls_holder out = {
		.magic = KTLS_HOLDER_MAGIC,
		.abi = KTLS_ABI,
		.size = sizeof(out),
		.inode = read_inode(sk),
		.pid = task->tgid,
	};

	BPF_CORE_READ_STR_INTO(&out.comm, task, comm);
	bpf_seq_write(seq, &out, sizeof(out));
}

static void tell_foreign(struct seq_file *seq, const struct task_struct *task, struct tcp_sock *tp,
			 const struct tls_context *ctx)
{
	struct ktls_socket out = NEW_SOCKET;

	out.uid = BPF_CORE_READ((const struct sock *)tp, sk_uid.val);
	out.holder_pid = task->tgid;
	BPF_CORE_READ_STR_INTO(&out.holder_comm, task, comm);
	fill(&out, tp, ctx);
	bpf_seq_write(seq, &out, sizeof(out));
}

/*
 * The TLS sockets that processes have open, of all network namespaces; those of the reader's own
 * are told in full by ktls_iter_tcp, and here only who has them. The file, and by it the socket and
 * its tls_context, are held by the kernel, but not locked.
 */
SEC("iter/task_file")
int ktls_iter_tasks(struct bpf_iter__task_file *iter)
{
	struct task_struct *task = iter->task;
	struct file *file = iter->file;
	const struct tls_context *ctx;
	struct socket *socket;
	struct tcp_sock *tp;
	struct sock *sk;

	/* Threads share what their leader has open. */
	if (!task || !file || task->pid != task->tgid)
		return 0;
	socket = bpf_sock_from_file(file);
	sk = socket ? socket->sk : NULL;
	tp = sk ? bpf_skc_to_tcp_sock(sk) : NULL;
	ctx = tp ? find_context(tp) : NULL;
	if (!ctx)
		return 0;
	if (BPF_CORE_READ(sk, __sk_common.skc_net.net) == find_reader_net())
		tell_holder(iter->meta->seq, task, sk);
	else
		tell_foreign(iter->meta->seq, task, tp, ctx);
	return 0;
}

SEC("iter/bpf_map_elem")
int ktls_iter_totals(struct bpf_iter__bpf_map_elem *iter)
{
	const struct ktls_total_key *key = iter->key;
	const struct total *total = iter->value;
	struct ktls_total out = {
		.magic = KTLS_TOTAL_MAGIC,
		.abi = KTLS_ABI,
		.size = sizeof(out),
	};

	if (!key || !total)
		return 0;
	out.key = *key;
	out.count = total->count;
	out.records = total->records;
	out.payload = total->payload;
	bpf_seq_write(iter->meta->seq, &out, sizeof(out));
	return 0;
}

/*
 * Forgets the sockets that closed while no probe was there to see it; an octet for each entry says
 * whether it did. Between the look and the removal another socket may take the address, with an
 * entry of its own: that one starts anew with its first keys.
 */
SEC("iter/bpf_map_elem")
int ktls_prune(struct bpf_iter__bpf_map_elem *iter)
{
	const __u64 *key = iter->key;
	const struct history *h = iter->value;
	const struct sock *sk;
	__u8 is_over;

	if (!key || !h)
		return 0;
	sk = (const struct sock *)*key;
	is_over = history_is_over(sk, h);
	if (is_over)
		history_forget(sk);
	bpf_seq_write(iter->meta->seq, &is_over, sizeof(is_over));
	return 0;
}

#endif
