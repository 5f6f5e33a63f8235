/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Kernel programs: what the kernel itself knows of every TLS socket.
 *
 * Everything here is read when somebody asks and costs nothing per record. One object for all
 * kernels from 6.1 on; what a kernel may lack is asked for with bpf_core_field_exists() and
 * reported as KTLS_UNKNOWN.
 */
#include "bpf/kernel.h"

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#include "bpf/event.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A one-bit member, or KTLS_UNKNOWN on a kernel without it. */
#define READ_BIT(ptr, member)                                                                \
	(bpf_core_field_exists((ptr)->member) ? BPF_CORE_READ_BITFIELD_PROBED(ptr, member) : \
						KTLS_UNKNOWN)

/*
 * Where the sequence number stands in what setsockopt(TLS_TX) or (TLS_RX) handed in, which
 * tls_context keeps with the key beside it: nothing else of it is ever read. -1 for a cipher
 * that is newer than this program.
 */
static int find_saved_seq(__u16 cipher)
{
	switch (cipher) {
	case TLS_CIPHER_AES_GCM_128:
		return offsetof(struct tls12_crypto_info_aes_gcm_128, rec_seq);
	case TLS_CIPHER_AES_GCM_256:
		return offsetof(struct tls12_crypto_info_aes_gcm_256, rec_seq);
	case TLS_CIPHER_AES_CCM_128:
		return offsetof(struct tls12_crypto_info_aes_ccm_128, rec_seq);
	case TLS_CIPHER_CHACHA20_POLY1305:
		return offsetof(struct tls12_crypto_info_chacha20_poly1305, rec_seq);
	case TLS_CIPHER_SM4_GCM:
		return offsetof(struct tls12_crypto_info_sm4_gcm, rec_seq);
	case TLS_CIPHER_SM4_CCM:
		return offsetof(struct tls12_crypto_info_sm4_ccm, rec_seq);
	case TLS_CIPHER_ARIA_GCM_128:
		return offsetof(struct tls12_crypto_info_aria_gcm_128, rec_seq);
	case TLS_CIPHER_ARIA_GCM_256:
		return offsetof(struct tls12_crypto_info_aria_gcm_256, rec_seq);
	default:
		return -1;
	}
}

static __u64 read_seq(const void *address)
{
	__be64 seq = 0;

	bpf_probe_read_kernel(&seq, sizeof(seq), address);
	return bpf_be64_to_cpu(seq);
}

static __u64 read_tx_seq(const struct tls_context *ctx)
{
	const struct tls_context___before_6_7 *old = (const void *)ctx;

	if (bpf_core_field_exists(old->tx.rec_seq))
		return read_seq(BPF_CORE_READ(old, tx.rec_seq));
	return read_seq(&ctx->tx.rec_seq);
}

static __u64 read_rx_seq(const struct tls_context *ctx)
{
	const struct tls_context___before_6_7 *old = (const void *)ctx;

	if (bpf_core_field_exists(old->rx.rec_seq))
		return read_seq(BPF_CORE_READ(old, rx.rec_seq));
	return read_seq(&ctx->rx.rec_seq);
}

static void fill_initial(struct ktls_direction *dir, const union tls_crypto_context *crypto)
{
	int offset = find_saved_seq(BPF_CORE_READ(crypto, info.cipher_type));

	if (offset < 0)
		return;
	dir->seq_initial = read_seq((const void *)crypto + offset);
	dir->seq_initial_known = 1;
}

static void fill_directions(struct ktls_socket *out, const struct tls_context *ctx)
{
	out->dir[KTLS_TX].conf = BPF_CORE_READ_BITFIELD_PROBED(ctx, tx_conf);
	out->dir[KTLS_RX].conf = BPF_CORE_READ_BITFIELD_PROBED(ctx, rx_conf);
	if (out->dir[KTLS_TX].conf != KTLS_CONF_BASE) {
		out->dir[KTLS_TX].seq = read_tx_seq(ctx);
		fill_initial(&out->dir[KTLS_TX], &ctx->crypto_send);
	}
	if (out->dir[KTLS_RX].conf != KTLS_CONF_BASE) {
		out->dir[KTLS_RX].seq = read_rx_seq(ctx);
		fill_initial(&out->dir[KTLS_RX], &ctx->crypto_recv);
	}
	/* A setsockopt that failed leaves its version and cipher behind. */
	if (out->dir[KTLS_TX].conf != KTLS_CONF_BASE || out->dir[KTLS_RX].conf != KTLS_CONF_BASE) {
		out->version = BPF_CORE_READ(ctx, prot_info.version);
		out->cipher = BPF_CORE_READ(ctx, prot_info.cipher_type);
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
	const struct net_device *dev = BPF_CORE_READ(ctx, netdev);

	if (BPF_CORE_READ(ctx, flags) & TLS_RX_DEV_DEGRADED)
		out->flags |= KTLS_SOCKET_DEGRADED;
	if (!dev)
		return;
	out->ifindex = BPF_CORE_READ(dev, ifindex);
	BPF_CORE_READ_STR_INTO(&out->device, dev, name);
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
	struct ktls_socket out = {
		.magic = KTLS_SOCKET_MAGIC,
		.abi = KTLS_ABI,
		.size = sizeof(out),
	};

	if (!ctx)
		return 0;
	out.cookie = bpf_get_socket_cookie(skc);
	out.inode = read_inode((const void *)tp);
	out.uid = iter->uid;
	out.bytes_acked = tp->bytes_acked;
	out.bytes_received = tp->bytes_received;
	out.tx_zero_copy = READ_BIT(ctx, zerocopy_sendfile);
	out.rx_no_pad = READ_BIT(ctx, rx_no_pad);
	fill_endpoints(&out, skc);
	fill_directions(&out, ctx);
	fill_receiver(&out, ctx);
	fill_device(&out, ctx);
	bpf_seq_write(iter->meta->seq, &out, sizeof(out));
	return 0;
}
