/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The programs that see a socket become one of TLS, and its keys set, replaced and read back. */
#ifndef KTLSD_BPF_PROBE_KEYS_BPF_H
#define KTLSD_BPF_PROBE_KEYS_BPF_H

#include "bpf/history.bpf.h"
#include "bpf/probe.bpf.h"
#include "bpf/tell.bpf.h"

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

#endif
