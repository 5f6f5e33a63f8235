/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The programs that see keys offered to network devices, and what those then fail to do. */
#ifndef KTLSD_BPF_PROBE_DEVICE_BPF_H
#define KTLSD_BPF_PROBE_DEVICE_BPF_H

#include "bpf/history.bpf.h"
#include "bpf/probe.bpf.h"
#include "bpf/tell.bpf.h"

/* tls_device_offload_set(sk, direction, tcp_seq, record, result): the driver has answered. */
SEC("tp_btf/tls_device_offload_set")
int ktls_driver(__u64 *args)
{
	const struct sock *sk = socket_arg(args);
	int result = (int)args[4];
	struct history *past;

	if (!sk)
		return 0;
	past = history_find(sk, read_context(sk));
	if (!past)
		return 0;
	if (args[1]) { /* TLS_OFFLOAD_CTX_DIR_TX */
		past->dir[KTLS_TX].offer = KTLS_OFFER_DRIVER;
		past->dir[KTLS_TX].device_errno = -result;
	} else {
		past->dir[KTLS_RX].offer = KTLS_OFFER_DRIVER;
		past->dir[KTLS_RX].device_errno = -result;
	}
	return 0;
}

/* A device that never takes keys of this direction is no news. */
static _Bool offer_is_news(const struct happening *h)
{
	__u8 supported = h->direction == KTLS_TX ? KTLS_EGRESS_TX_SUPPORTED :
						   KTLS_EGRESS_RX_SUPPORTED;

	return h->offer == KTLS_OFFER_DRIVER || h->error != EOPNOTSUPP ||
	       h->egress_features & supported;
}

static __always_inline int end_offer(__u64 *args, int direction)
{
	struct happening h = {
		.sk = socket_arg(args),
		.event = KTLS_EVENT_DEVICE,
		.direction = direction,
		.error = read_error(args),
	};
	struct history *past;

	if (h.error == EEXIST) /* a rekey, see below */
		return 0;
	h.ctx = read_context(h.sk);
	h.dev = find_egress(h.sk);
	if (h.dev)
		h.egress_features = KTLS_EGRESS_KNOWN | read_egress_features(h.dev);
	h.conf = h.error ? KTLS_CONF_SW : KTLS_CONF_HW;
	h.offer = h.error ? KTLS_OFFER_BEFORE_DRIVER : KTLS_OFFER_DRIVER;
	past = history_find(h.sk, h.ctx);
	if (past) {
		struct history_direction *dir = &past->dir[direction];

		if (dir->had_keys) /* a rekey: the offer was made with the first keys */
			return 0;
		if (dir->offer == KTLS_OFFER_DRIVER && dir->device_errno == h.error)
			h.offer = KTLS_OFFER_DRIVER;
		dir->offer = h.offer;
		dir->offer_egress = h.egress_features;
		dir->device_errno = h.error;
	}
	/* Not yet in the context: that of the setsockopt that goes on. */
	h.version = read_saved_version(h.ctx, direction);
	h.cipher = read_saved_cipher(h.ctx, direction);
	count(&h, 0, 0);
	if (offer_is_news(&h))
		announce(&h);
	return 0;
}

SEC("fexit/tls_set_device_offload")
int ktls_offer_tx(__u64 *args)
{
	return end_offer(args, KTLS_TX);
}

SEC("fexit/tls_set_device_offload_rx")
int ktls_offer_rx(__u64 *args)
{
	return end_offer(args, KTLS_RX);
}

static _Bool is_power_of_two(__u32 n)
{
	return !(n & (n - 1));
}

static __always_inline int resync(const struct sock *sk, int direction)
{
	struct happening h = { .sk = sk, .event = KTLS_EVENT_RESYNC, .direction = direction };
	struct history *past;

	if (!sk)
		return 0;
	h.ctx = read_context(sk);
	if (!h.ctx)
		return 0;
	h.conf = read_conf(h.ctx, direction);
	h.dev = find_device(h.ctx);
	count(&h, 0, 0);
	past = history_make_if_open(sk, h.ctx);
	if (!past || is_power_of_two(++past->dir[direction].resyncs))
		announce(&h);
	return 0;
}

/* tls_device_rx_resync_send(sk, ...) */
SEC("tp_btf/tls_device_rx_resync_send")
int ktls_resync_rx(__u64 *args)
{
	return resync(socket_arg(args), KTLS_RX);
}

/* tls_device_tx_resync_send(sk, ...) */
SEC("tp_btf/tls_device_tx_resync_send")
int ktls_resync_tx(__u64 *args)
{
	return resync(socket_arg(args), KTLS_TX);
}

/*
 * tls_sw_fallback(sk, skb): a packet of a socket whose keys a device has. What that very device's
 * driver has encrypted in software (tls_encrypt_skb) it counts itself.
 */
SEC("fentry/tls_sw_fallback")
int ktls_soft_packet(__u64 *args)
{
	struct happening h = {
		.sk = socket_arg(args),
		.event = KTLS_EVENT_SOFT_PACKET,
		.direction = KTLS_TX,
	};
	struct history *past;

	h.ctx = read_context(h.sk);
	if (!h.ctx)
		return 0;
	h.conf = read_conf(h.ctx, KTLS_TX);
	h.dev = find_packet_device((const void *)args[1]);
	if (h.dev == find_device(h.ctx))
		return 0;
	count(&h, 0, 0);
	past = history_make_if_open(h.sk, h.ctx);
	if (!past)
		return 0;
	if (!past->dir[KTLS_TX].soft_packets)
		announce(&h);
	__sync_fetch_and_add(&past->dir[KTLS_TX].soft_packets, 1);
	return 0;
}

/* tls_dev_event(notifier, event, info): of any device. */
SEC("fentry/tls_dev_event")
int ktls_device_down(__u64 *args)
{
	struct happening h = { .event = KTLS_EVENT_DEVICE_DOWN, .direction = KTLS_BOTH };
	const struct netdev_notifier_info *info = (const void *)args[2];
	struct ktls_event *e;

	if (args[1] != NETDEV_DOWN)
		return 0;
	h.dev = BPF_CORE_READ(info, dev);
	if (!(read_egress_features(h.dev) & ~KTLS_EGRESS_UP))
		return 0;
	count(&h, 0, 0);
	e = event_make(&h);
	if (!e)
		return 0;
	e->netns = read_device_netns(h.dev);
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return 0;
}

#endif
