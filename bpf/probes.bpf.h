/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The programs that see the rare things happen. None runs per record. Arguments are bare words
 * of the context: types of a module are refused by helpers, and signatures differ by kernel,
 * which is also why results are asked for with bpf_get_func_ret(). Never bpf_sk_storage_get()
 * here: 6.1 and 6.12 crash at the load of a program on a module that calls it.
 */
#ifndef KTLSD_BPF_PROBES_BPF_H
#define KTLSD_BPF_PROBES_BPF_H

#include "bpf/history.bpf.h"
#include "bpf/tell.bpf.h"

/* 0 or a positive errno. */
static __always_inline __u16 read_error(__u64 *args)
{
	__u64 result = 0;

	bpf_get_func_ret(args, &result);
	return (int)result < 0 ? -(int)result : 0;
}

static __always_inline const struct sock *socket_arg(__u64 *args)
{
	return (const struct sock *)args[0];
}

/* tcp_set_ulp(sk, name), of the kernel proper: the one place where a probe may give the socket
 * its cookie. */
SEC("fexit/tcp_set_ulp")
int ktls_ulp(__u64 *args)
{
	struct happening h = {
		.sk = socket_arg(args),
		.event = KTLS_EVENT_ULP,
		.direction = KTLS_BOTH,
		.error = read_error(args),
	};
	char name[sizeof("tls")] = {};
	struct history *past;

	bpf_probe_read_kernel(name, sizeof(name), (const void *)args[1]);
	if (__builtin_memcmp(name, "tls", sizeof("tls")))
		return 0;
	bpf_get_socket_cookie((void *)args[0]);
	count(&h, 0, 0);
	if (h.error) {
		announce(&h);
		return 0;
	}
	past = history_make(h.sk, read_context(h.sk));
	if (past)
		past->since_ns = bpf_ktime_get_boot_ns();
	return 0;
}

/* What records_before loses if the keys are replaced now. */
static void remember_keys(struct history_direction *dir, const struct tls_context *ctx, int d)
{
	__u64 records = 0;

	dir->had_keys = read_saved_cipher(ctx, d) != 0;
	dir->pending_records = count_records(ctx, d, 0, &records) ? records : 0;
}

static void install_first(struct history *past, struct history_direction *dir, __u16 error)
{
	/* those of setsockopt() are below 134, but for what a driver makes up */
	dir->key_errno = error < KTLS_UNKNOWN ? error : KTLS_UNKNOWN;
	if (error)
		return;
	if (!past->installer_pid) {
		past->installer_pid = bpf_get_current_pid_tgid() >> 32;
		bpf_get_current_comm(past->installer_comm, sizeof(past->installer_comm));
		past->payload_run = read_payload_run();
	}
	if (!past->since_ns)
		past->since_ns = bpf_ktime_get_boot_ns();
	dir->keys_seen = 1;
}

static void install_next(struct history_direction *dir, __u16 error)
{
	if (error) {
		dir->rekey_failures++;
		return;
	}
	dir->rekeys++;
	dir->records_before += dir->pending_records;
}

/* The head of what was handed in, version and cipher. The key behind it is not read. */
static __always_inline struct tls_crypto_info read_request(__u64 *args)
{
	struct tls_crypto_info info = {};

	if (bpf_probe_read_user(&info, sizeof(info), (const void *)args[3]))
		bpf_probe_read_kernel(&info, sizeof(info), (const void *)args[3]);
	return info;
}

/* The direction that an option is about, or -1. */
static __always_inline int option_direction(__u64 *args)
{
	if ((int)args[1] != SOL_TLS)
		return -1;
	return (int)args[2] == TLS_TX ? KTLS_TX : (int)args[2] == TLS_RX ? KTLS_RX : -1;
}

/* tls_setsockopt(sk, level, option, value, length) */
SEC("fentry/tls_setsockopt")
int ktls_set_begin(__u64 *args)
{
	const struct sock *sk = socket_arg(args);
	const struct tls_context *ctx = read_context(sk);
	int direction = option_direction(args);
	struct history *past;

	if (direction < 0 || !ctx)
		return 0;
	past = history_make(sk, ctx);
	if (!past)
		return 0;
	if (direction == KTLS_TX)
		remember_keys(&past->dir[KTLS_TX], ctx, KTLS_TX);
	else
		remember_keys(&past->dir[KTLS_RX], ctx, KTLS_RX);
	return 0;
}

SEC("fexit/tls_setsockopt")
int ktls_set_end(__u64 *args)
{
	int direction = option_direction(args);
	struct tls_crypto_info info = read_request(args);
	struct happening h = {
		.sk = socket_arg(args),
		.event = KTLS_EVENT_KEYS,
		.direction = direction,
		.error = read_error(args),
		.version = info.version,
		.cipher = info.cipher_type,
	};
	struct history_direction *dir;
	struct history *past;

	h.ctx = read_context(h.sk);
	if (direction < 0 || !h.ctx)
		return 0;
	h.conf = read_conf(h.ctx, direction);
	past = history_find(h.sk, h.ctx);
	if (past) {
		dir = &past->dir[direction & 1];
		if (dir->had_keys) {
			h.event = KTLS_EVENT_REKEY;
			install_next(dir, h.error);
		} else {
			install_first(past, dir, h.error);
		}
	}
	tell(&h);
	return 0;
}

/*
 * tls_getsockopt(sk, level, option, value, length). Whoever reads keys back gets the number of the
 * next record, and the kernel notes it over the initial one.
 */
static __always_inline __u64 *find_pending(struct history *past, int direction)
{
	return &past->dir[direction & 1].pending_records;
}

SEC("fentry/tls_getsockopt")
int ktls_get_begin(__u64 *args)
{
	const struct sock *sk = socket_arg(args);
	const struct tls_context *ctx = read_context(sk);
	int direction = option_direction(args);
	struct history *past;
	__u64 initial = 0;

	if (direction < 0 || !ctx || read_conf(ctx, direction) == KTLS_CONF_BASE)
		return 0;
	past = history_make(sk, ctx);
	if (past && read_initial_seq(ctx, direction, &initial))
		*find_pending(past, direction) = initial;
	return 0;
}

SEC("fexit/tls_getsockopt")
int ktls_get_end(__u64 *args)
{
	int direction = option_direction(args);
	struct happening h = {
		.sk = socket_arg(args),
		.event = KTLS_EVENT_KEYS_READ,
		.direction = direction,
		.error = read_error(args),
	};
	struct history *past;
	__u64 initial = 0;

	h.ctx = read_context(h.sk);
	if (direction < 0 || !h.ctx)
		return 0;
	h.conf = read_conf(h.ctx, direction);
	if (h.conf == KTLS_CONF_BASE)
		return 0;
	past = history_find(h.sk, h.ctx);
	/* By what was noted, not by the result: the copy to the caller may have failed after it. */
	if (past && read_initial_seq(h.ctx, direction, &initial))
		past->dir[direction & 1].records_before += initial - *find_pending(past, direction);
	tell(&h);
	return 0;
}

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

/* Of the socket's own fault or the peer's: it cannot be used any more. */
static __always_inline void fail(const struct sock *sk, int direction, __u8 event, int error)
{
	struct happening h = {
		.sk = sk,
		.ctx = read_context(sk),
		.event = event,
		.direction = direction,
		.error = error < 0 ? -error : error,
	};
	struct history *past;

	if (!h.ctx)
		return;
	h.conf = read_conf(h.ctx, direction);
	past = history_make_if_open(sk, h.ctx);
	if (past) {
		struct history_direction *dir = &past->dir[direction & 1];

		history_note_error(past, h.error);
		if (event == KTLS_EVENT_FRAMING)
			dir->framing_errors++;
		else
			dir->errors++;
	}
	tell(&h);
}

/* tls_err_abort(sk, error) */
SEC("fentry/tls_err_abort")
int ktls_abort(__u64 *args)
{
	const struct sock *sk = socket_arg(args);

	fail(sk, guess_failed_direction(read_context(sk)), KTLS_EVENT_ERROR, (int)args[1]);
	return 0;
}

/* tls_strp_abort_strp(strparser, error): called again and again, and does nothing once stopped. */
SEC("fentry/tls_strp_abort_strp")
int ktls_abort_framing(__u64 *args)
{
	const struct tls_strparser *strp = (const void *)args[0];
	int error = -(int)args[1];

	if (BPF_CORE_READ_BITFIELD_PROBED(strp, stopped))
		return 0;
	fail(BPF_CORE_READ(strp, sk), KTLS_RX,
	     error == EINVAL || error == EMSGSIZE || error == EBADMSG ? KTLS_EVENT_FRAMING :
									KTLS_EVENT_ERROR,
	     error);
	return 0;
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

/* Counts what one direction carried all its life; into the event too, if there is one. */
static __always_inline void close_direction(struct happening *h, const struct history *past, int d,
					    __u64 *records, __u64 *payload, __u8 *known)
{
	*records = 0;
	*payload = past ? past->dir[d].payload : 0;
	*known = count_records(h->ctx, d, past ? past->dir[d].records_before : 0, records);
	h->direction = d;
	h->conf = read_conf(h->ctx, d);
	count(h, *records, *payload);
}

/* tls_sk_proto_close(sk, timeout). What was begun and not sent is lost from here on. */
SEC("fentry/tls_sk_proto_close")
int ktls_close(__u64 *args)
{
	struct happening h = { .sk = socket_arg(args), .event = KTLS_EVENT_CLOSE };
	__u64 records[KTLS_N_DIRECTIONS], payload[KTLS_N_DIRECTIONS];
	__u8 known[KTLS_N_DIRECTIONS];
	const struct history *past;
	struct ktls_event *e;

	h.ctx = read_context(h.sk);
	if (!h.ctx)
		return 0;
	past = history_find(h.sk, h.ctx);
	close_direction(&h, past, KTLS_TX, &records[KTLS_TX], &payload[KTLS_TX], &known[KTLS_TX]);
	close_direction(&h, past, KTLS_RX, &records[KTLS_RX], &payload[KTLS_RX], &known[KTLS_RX]);
	h.direction = KTLS_BOTH;
	h.conf |= read_conf(h.ctx, KTLS_TX); /* any: whether there are keys */
	e = event_make(&h);
	if (e) {
		e->records[KTLS_TX] = records[KTLS_TX];
		e->records[KTLS_RX] = records[KTLS_RX];
		e->payload[KTLS_TX] = payload[KTLS_TX];
		e->payload[KTLS_RX] = payload[KTLS_RX];
		e->records_known[KTLS_TX] = known[KTLS_TX];
		e->records_known[KTLS_RX] = known[KTLS_RX];
		e->unsent = has_open_record(h.ctx);
		event_send(e);
	}
	history_forget(h.sk);
	return 0;
}

#endif
