/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What every program that sees something happen has in hand. None runs per record. Arguments are
 * bare words of the context: types of a module are refused by helpers, and signatures differ by
 * kernel, which is also why results are asked for with bpf_get_func_ret(). Never
 * bpf_sk_storage_get() here: 6.1 and 6.12 crash at the load of a program on a module that calls it.
 */
#ifndef KTLSD_BPF_PROBE_BPF_H
#define KTLSD_BPF_PROBE_BPF_H

#include "bpf/kernel.h"

#include <bpf/bpf_helpers.h>

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

#endif
