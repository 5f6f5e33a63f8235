/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Tells what happened: into the totals, and as an event into the ring buffer. */
#ifndef KTLSD_BPF_TELL_BPF_H
#define KTLSD_BPF_TELL_BPF_H

#include "bpf/context.bpf.h"
#include "bpf/count.bpf.h"
#include "bpf/maps.bpf.h"

/* Something that happened to a socket, or (sk NULL) to a device. */
struct happening {
	const struct sock *sk;
	const struct tls_context *ctx; /* NULL: it has none */
	const struct net_device *dev;
	__u16 error;
	__u16 version; /* 0: that of the keys, if conf says that there are any */
	__u16 cipher;
	__u8 event;
	__u8 direction;
	__u8 conf; /* of the direction, afterwards */
	__u8 offer;
	__u8 egress_features; /* KTLS_EGRESS_* */
};

static __u16 happening_version(const struct happening *h)
{
	if (h->version || !h->ctx || h->conf == KTLS_CONF_BASE)
		return h->version;
	return read_version(h->ctx);
}

static __u16 happening_cipher(const struct happening *h)
{
	if (h->version || !h->ctx || h->conf == KTLS_CONF_BASE)
		return h->cipher;
	return read_cipher(h->ctx);
}

/* Members of a key, and so of few values: what comes from a setsockopt() is anything. */
static __u16 total_version(__u16 version)
{
	return version == TLS_1_2_VERSION || version == TLS_1_3_VERSION ? version : 0;
}

static __u16 total_cipher(__u16 cipher)
{
	return !cipher || find_saved_seq(cipher) >= 0 ? cipher : KTLS_CIPHER_OTHER;
}

static __noinline int count(const struct happening *h, __u64 records, __u64 payload)
{
	struct ktls_total_key key = {
		.event = h->event,
		.direction = h->direction,
		.conf = h->conf,
		.ok = !h->error,
		.version = total_version(happening_version(h)),
		.cipher = total_cipher(happening_cipher(h)),
	};

	count_total(&key, records, payload);
	return 0;
}

static void fill_socket(struct ktls_event *e, const struct sock *sk)
{
	const struct sock_common *skc = (const void *)sk;

	e->cookie = read_cookie(sk);
	e->netns = BPF_CORE_READ(skc, skc_net.net, ns.inum);
	e->family = BPF_CORE_READ(skc, skc_family);
	e->local_port = BPF_CORE_READ(skc, skc_num);
	e->remote_port = bpf_ntohs(BPF_CORE_READ(skc, skc_dport));
	if (e->family == AF_INET) {
		bpf_core_read(e->local_addr, sizeof(skc->skc_rcv_saddr), &skc->skc_rcv_saddr);
		bpf_core_read(e->remote_addr, sizeof(skc->skc_daddr), &skc->skc_daddr);
	} else if (bpf_core_field_exists(skc->skc_v6_daddr)) { /* CONFIG_IPV6 */
		bpf_core_read(e->local_addr, sizeof(e->local_addr), &skc->skc_v6_rcv_saddr);
		bpf_core_read(e->remote_addr, sizeof(e->remote_addr), &skc->skc_v6_daddr);
	}
}

static void fill_event_device(struct ktls_event *e, const struct net_device *dev)
{
	e->ifindex = BPF_CORE_READ(dev, ifindex);
	bpf_core_read_str(e->device, sizeof(e->device), &dev->name);
}

/* Reserved, filled, and for event_send(); NULL: there was no room, which is counted. Inline, as
 * kernels before 6.2 do not let go of a reservation in another function. */
static __always_inline struct ktls_event *event_make(const struct happening *h)
{
	struct ktls_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		count_observer(KTLS_OBSERVER_EVENTS_LOST);
		return NULL;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->magic = KTLS_EVENT_MAGIC;
	e->abi = KTLS_ABI;
	e->size = sizeof(*e);
	e->time_ns = bpf_ktime_get_boot_ns();
	e->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->event = h->event;
	e->direction = h->direction;
	e->error = h->error;
	e->offer = h->offer;
	e->egress_features = h->egress_features;
	if (h->sk)
		fill_socket(e, h->sk);
	if (h->ctx) {
		e->conf[KTLS_TX] = read_conf(h->ctx, KTLS_TX);
		e->conf[KTLS_RX] = read_conf(h->ctx, KTLS_RX);
	}
	if (h->direction == KTLS_TX)
		e->conf[KTLS_TX] = h->conf;
	else if (h->direction == KTLS_RX)
		e->conf[KTLS_RX] = h->conf;
	e->version = happening_version(h);
	e->cipher = happening_cipher(h);
	if (h->dev)
		fill_event_device(e, h->dev);
	return e;
}

/* When an error has last woken the reader. No lock: two CPUs may wake it twice. */
static __u64 woken_ns;

static _Bool error_may_wake(__u64 now_ns)
{
	if (now_ns - woken_ns < KTLS_EVENTS_WAKE_NS)
		return 0;
	woken_ns = now_ns;
	return 1;
}

/* Wakes the reader at once only for what is worth it (see feed.h). */
static __always_inline void event_send(struct ktls_event *e)
{
	__u64 flags = BPF_RB_NO_WAKEUP;

	if ((e->error && error_may_wake(e->time_ns)) ||
	    bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > KTLS_EVENTS_BYTES / 4)
		flags = BPF_RB_FORCE_WAKEUP;
	bpf_ringbuf_submit(e, flags);
}

static __noinline int announce(const struct happening *h)
{
	struct ktls_event *e = event_make(h);

	if (e)
		event_send(e);
	return 0;
}

static void tell(const struct happening *h)
{
	count(h, 0, 0);
	announce(h);
}

#endif
