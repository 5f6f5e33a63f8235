/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the kernel knows of one TLS socket, read without changing anything. Sockets and contexts
 * are bare addresses here, for in probes on a module their types are the module's own, which no
 * helper takes.
 */
#ifndef KTLSD_BPF_CONTEXT_BPF_H
#define KTLSD_BPF_CONTEXT_BPF_H

#include "bpf/kernel.h"

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#include "bpf/event.h"
#include "bpf/maps.bpf.h"

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

/* Of the next record. */
static __u64 read_current_seq(const struct tls_context *ctx, int direction)
{
	return direction == KTLS_RX ? read_rx_seq(ctx) : read_tx_seq(ctx);
}

static const union tls_crypto_context *find_crypto(const struct tls_context *ctx, int direction)
{
	return direction == KTLS_RX ? &ctx->crypto_recv : &ctx->crypto_send;
}

static __u16 read_saved_cipher(const struct tls_context *ctx, int direction)
{
	return BPF_CORE_READ(find_crypto(ctx, direction), info.cipher_type);
}

static __u16 read_saved_version(const struct tls_context *ctx, int direction)
{
	return BPF_CORE_READ(find_crypto(ctx, direction), info.version);
}

/* As it came with the keys. False: nobody knows where it is. */
static _Bool read_initial_seq(const struct tls_context *ctx, int direction, __u64 *seq)
{
	int offset = find_saved_seq(read_saved_cipher(ctx, direction));

	if (offset < 0)
		return 0;
	*seq = read_seq((const void *)find_crypto(ctx, direction) + offset);
	return 1;
}

static __u8 read_conf(const struct tls_context *ctx, int direction)
{
	return direction == KTLS_RX ? BPF_CORE_READ_BITFIELD_PROBED(ctx, rx_conf) :
				      BPF_CORE_READ_BITFIELD_PROBED(ctx, tx_conf);
}

/* Records under the present keys, with what was there before. False: it is not known. */
static _Bool count_records(const struct tls_context *ctx, int direction, __u64 before,
			   __u64 *records)
{
	__u64 initial;

	if (read_conf(ctx, direction) == KTLS_CONF_BASE ||
	    !read_initial_seq(ctx, direction, &initial))
		return 0;
	*records = before + read_current_seq(ctx, direction) - initial;
	return 1;
}

/* Only where it is sure that the socket has the tls ULP. */
static const struct tls_context *read_context(const struct sock *sk)
{
	return BPF_CORE_READ((const struct inet_connection_sock *)sk, icsk_ulp_data);
}

static __u16 read_version(const struct tls_context *ctx)
{
	return BPF_CORE_READ(ctx, prot_info.version);
}

static __u16 read_cipher(const struct tls_context *ctx)
{
	return BPF_CORE_READ(ctx, prot_info.cipher_type);
}

/* Bytes were taken for a record that is not sent. */
static _Bool has_open_record(const struct tls_context *ctx)
{
	return BPF_CORE_READ(ctx, pending_open_record_frags);
}

/* The one that has the keys, or NULL. */
static const struct net_device *find_device(const struct tls_context *ctx)
{
	return BPF_CORE_READ(ctx, netdev);
}

static const struct net_device *find_packet_device(const struct sk_buff *skb)
{
	return BPF_CORE_READ(skb, dev);
}

static __u32 read_device_netns(const struct net_device *dev)
{
	return BPF_CORE_READ(dev, nd_net.net, ns.inum);
}

/* 0 until somebody asks for it. */
static __u64 read_cookie(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
}

/* What is left of one that was freed has none; its memory stays a socket's, or is another's. */
static _Bool has_references(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_refcnt.refs.counter) != 0;
}

/* Where the socket's packets leave; NULL: there is no route yet, or no longer. */
static const struct net_device *find_egress(const struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_dst_cache, dev);
}

/* KTLS_EGRESS_*, but for KNOWN. */
static __u8 read_egress_features(const struct net_device *dev)
{
	__u64 supported = BPF_CORE_READ(dev, hw_features);
	__u64 active = BPF_CORE_READ(dev, features);
	const struct ktls_meta *m = find_meta();

	/* blackhole_netdev: the only one that is never registered. */
	if (!BPF_CORE_READ(dev, ifindex))
		return KTLS_EGRESS_GONE;
	if (!m)
		return 0;
	return (BPF_CORE_READ(dev, flags) & IFF_UP ? KTLS_EGRESS_UP : 0) |
	       (supported & m->tx_feature ? KTLS_EGRESS_TX_SUPPORTED : 0) |
	       (active & m->tx_feature ? KTLS_EGRESS_TX_ACTIVE : 0) |
	       (supported & m->rx_feature ? KTLS_EGRESS_RX_SUPPORTED : 0) |
	       (active & m->rx_feature ? KTLS_EGRESS_RX_ACTIVE : 0);
}

/* Whoever sends holds tx_lock; else it was the receiving side that failed. */
static int guess_failed_direction(const struct tls_context *ctx)
{
	const __u64 flags = 7; /* kernel/locking/mutex.h */

	if (bpf_core_field_exists(ctx->tx_lock.owner) &&
	    (BPF_CORE_READ(ctx, tx_lock.owner.counter) & ~flags) == bpf_get_current_task())
		return KTLS_TX;
	return KTLS_RX;
}

#endif
