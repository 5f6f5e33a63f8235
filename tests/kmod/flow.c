// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The connections that the kernel has handed to a device, and what the device makes of a packet that
 * arrives for one of them.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <net/ipv6.h>
#include <net/tcp.h>
#include <net/tls.h>

#include "flow.h"
#include "record.h"

/* IPv4 addresses are mapped ones. */
struct addresses {
	struct in6_addr local, remote;
	__be16 local_port, remote_port;
};

/* A connection whose receiving was offloaded. */
struct flow {
	struct list_head list;
	struct sock *sk; /* lives as long as the flow does */
	struct addresses addresses;
	unsigned int n_packets;
	bool in_sync;
	bool asked;  /* for a resynchronisation */
	bool faulty; /* some packets may arrive encrypted: the others need real tags */
};

static struct addresses addresses_of_socket(const struct sock *sk)
{
	struct addresses a = {
		.local_port = htons(sk->sk_num),
		.remote_port = sk->sk_dport,
	};

	if (sk->sk_family == AF_INET6) {
		a.local = sk->sk_v6_rcv_saddr;
		a.remote = sk->sk_v6_daddr;
	} else {
		ipv6_addr_set_v4mapped(sk->sk_rcv_saddr, &a.local);
		ipv6_addr_set_v4mapped(sk->sk_daddr, &a.remote);
	}
	return a;
}

/* As the receiver sees them. */
static struct addresses addresses_of_packet(const struct sk_buff *skb)
{
	struct addresses a = {
		.local_port = tcp_hdr(skb)->dest,
		.remote_port = tcp_hdr(skb)->source,
	};

	if (skb->protocol == htons(ETH_P_IPV6)) {
		a.local = ipv6_hdr(skb)->daddr;
		a.remote = ipv6_hdr(skb)->saddr;
	} else {
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, &a.local);
		ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, &a.remote);
	}
	return a;
}

static struct flow *find_flow(struct tlsnic *nic, const struct addresses *addresses)
{
	struct flow *flow;

	list_for_each_entry(flow, &nic->flows, list) if (!memcmp(&flow->addresses, addresses,
								 sizeof(*addresses))) return flow;
	return NULL;
}

static struct flow *find_flow_of_socket(struct tlsnic *nic, const struct sock *sk)
{
	struct flow *flow;

	list_for_each_entry(flow, &nic->flows, list) if (flow->sk == sk) return flow;
	return NULL;
}

/* The device looks for a header in the stream, and asks the kernel whether it is one. */
static void ask_for_resync(struct tlsnic *nic, struct flow *flow, const struct sk_buff *skb)
{
	u32 seq;

	if (flow->asked || !record_find_header(skb, &seq))
		return;
	/* the kernel compares with the last octet of the header */
	tls_offload_rx_resync_request(flow->sk, htonl(seq + TLS_HEADER_SIZE - 1));
	flow->asked = true;
	count(nic, RX_RESYNC_REQ);
}

static bool is_missed(struct tlsnic *nic, struct flow *flow, const struct sk_buff *skb)
{
	flow->n_packets++;
	if (flow->in_sync && hits(FAULT(rx_desync_every), flow->n_packets)) {
		flow->in_sync = false;
		flow->asked = false;
		count(nic, RX_DESYNC);
	}
	if (!flow->in_sync && FAULT(rx_resync) == RESYNC_BY_DEVICE)
		ask_for_resync(nic, flow, skb);
	return !flow->in_sync || hits(FAULT(rx_miss_every), flow->n_packets);
}

static bool may_mix(void)
{
	return FAULT(rx_miss_every) || FAULT(rx_desync_every) || FAULT(drop_every) ||
	       FAULT(corrupt_every);
}

enum view flow_receive(struct tlsnic *nic, const struct sk_buff *skb)
{
	struct addresses addresses = addresses_of_packet(skb);
	enum view view = VIEW_ENCRYPTED;
	struct flow *flow;

	spin_lock_bh(&nic->lock);
	flow = find_flow(nic, &addresses);
	if (flow) {
		flow->faulty |= may_mix();
		if (is_missed(nic, flow, skb))
			count(nic, RX_MISSED);
		else
			view = flow->faulty ? VIEW_PLAIN_TAGGED : VIEW_PLAIN;
	}
	spin_unlock_bh(&nic->lock);
	return view;
}

static int add_flow(struct tlsnic *nic, struct sock *sk)
{
	struct flow *flow = kzalloc(sizeof(*flow), GFP_KERNEL);

	if (!flow)
		return -ENOMEM;
	flow->sk = sk;
	flow->addresses = addresses_of_socket(sk);
	flow->in_sync = true;
	tls_offload_rx_resync_set_type(sk, FAULT(rx_resync) == RESYNC_BY_DEVICE ?
						   TLS_OFFLOAD_SYNC_TYPE_DRIVER_REQ :
						   TLS_OFFLOAD_SYNC_TYPE_CORE_NEXT_HINT);
	spin_lock_bh(&nic->lock);
	list_add(&flow->list, &nic->flows);
	spin_unlock_bh(&nic->lock);
	return 0;
}

static int tls_dev_add(struct net_device *dev, struct sock *sk, enum tls_offload_ctx_dir direction,
		       struct tls_crypto_info *info, u32 seq)
{
	bool tx = direction == TLS_OFFLOAD_CTX_DIR_TX;
	struct tlsnic *nic = netdev_priv(dev);
	int r = -(int)(tx ? FAULT(add_error_tx) : FAULT(add_error_rx));

	/* of receiving, the kernel leaves it to the driver which ciphers it can */
	if (!r && info->cipher_type != TLS_CIPHER_AES_GCM_128 &&
	    info->cipher_type != TLS_CIPHER_AES_GCM_256)
		r = -EOPNOTSUPP;
	if (!r && !tx)
		r = add_flow(nic, sk);
	if (r)
		count(nic, tx ? TX_REFUSED : RX_REFUSED);
	else
		count(nic, tx ? TX_CTX : RX_CTX);
	return r;
}

static void tls_dev_del(struct net_device *dev, struct tls_context *ctx,
			enum tls_offload_ctx_dir direction)
{
	struct tlsnic *nic = netdev_priv(dev);
	struct flow *flow;

	if (direction == TLS_OFFLOAD_CTX_DIR_TX) {
		count(nic, TX_DEL);
		return;
	}
	spin_lock_bh(&nic->lock);
	flow = find_flow_of_socket(nic, ctx->sk);
	if (flow)
		list_del(&flow->list);
	spin_unlock_bh(&nic->lock);
	kfree(flow);
	count(nic, RX_DEL);
}

static int tls_dev_resync(struct net_device *dev, struct sock *sk, u32 seq, u8 *record_sn,
			  enum tls_offload_ctx_dir direction)
{
	struct tlsnic *nic = netdev_priv(dev);
	struct flow *flow;

	if (direction == TLS_OFFLOAD_CTX_DIR_TX) {
		count(nic, TX_RESYNC);
		return 0;
	}
	spin_lock_bh(&nic->lock);
	flow = find_flow_of_socket(nic, sk);
	if (flow)
		flow->in_sync = true;
	spin_unlock_bh(&nic->lock);
	count(nic, RX_RESYNC);
	return 0;
}

const struct tlsdev_ops flow_ops = {
	.tls_dev_add = tls_dev_add,
	.tls_dev_del = tls_dev_del,
	.tls_dev_resync = tls_dev_resync,
};
