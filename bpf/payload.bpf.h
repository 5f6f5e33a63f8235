/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The programs that account payload bytes, attached only while that is asked for: they run with
 * each call of an application. Bytes that it wrote or read, those of control records too; what was
 * peeked at is not counted.
 */
#ifndef KTLSD_BPF_PAYLOAD_BPF_H
#define KTLSD_BPF_PAYLOAD_BPF_H

#include "bpf/history.bpf.h"

static __always_inline void account(const struct sock *sk, __u64 *args, int direction)
{
	struct history *past;
	__u64 result = 0;

	bpf_get_func_ret(args, &result);
	if ((int)result <= 0)
		return;
	past = history_find(sk, read_context(sk));
	if (past)
		__sync_fetch_and_add(&past->dir[direction].payload, (int)result);
}

SEC("fexit/tls_sw_sendmsg")
int ktls_sw_sendmsg(__u64 *args)
{
	account((const void *)args[0], args, KTLS_TX);
	return 0;
}

SEC("fexit/tls_device_sendmsg")
int ktls_hw_sendmsg(__u64 *args)
{
	account((const void *)args[0], args, KTLS_TX);
	return 0;
}

/* Until dc97391e6610 ("sock: Remove ->sendpage*() in favour of sendmsg(MSG_SPLICE_PAGES)"), 6.5,
 * sendfile() and splice() came in here. */
SEC("fexit/tls_sw_sendpage")
int ktls_sw_sendpage(__u64 *args)
{
	account((const void *)args[0], args, KTLS_TX);
	return 0;
}

SEC("fexit/tls_device_sendpage")
int ktls_hw_sendpage(__u64 *args)
{
	account((const void *)args[0], args, KTLS_TX);
	return 0;
}

/* tls_sw_recvmsg(sk, message, length, flags, ...) */
SEC("fexit/tls_sw_recvmsg")
int ktls_recvmsg(__u64 *args)
{
	if (!((int)args[3] & MSG_PEEK))
		account((const void *)args[0], args, KTLS_RX);
	return 0;
}

/* tls_sw_splice_read(socket, ...) */
SEC("fexit/tls_sw_splice_read")
int ktls_splice_read(__u64 *args)
{
	const struct socket *socket = (const void *)args[0];

	account(BPF_CORE_READ(socket, sk), args, KTLS_RX);
	return 0;
}

/* tls_sw_read_sock(sk, ...), since 6.6: for consumers inside the kernel. */
SEC("fexit/tls_sw_read_sock")
int ktls_read_sock(__u64 *args)
{
	account((const void *)args[0], args, KTLS_RX);
	return 0;
}

#endif
