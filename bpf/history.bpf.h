/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What probes remember of a socket until it is closed: what its tls_context does not tell or no
 * longer tells. Keyed by the socket's address, which the kernel uses again: an entry is of the
 * socket only while it names its tls_context and its cookie.
 */
#ifndef KTLSD_BPF_HISTORY_BPF_H
#define KTLSD_BPF_HISTORY_BPF_H

#include "bpf/context.bpf.h"
#include "bpf/count.bpf.h"
#include "bpf/maps.bpf.h"

static const struct history blank_history;

static struct history *history_find(const struct sock *sk, const struct tls_context *ctx)
{
	__u64 key = (__u64)sk;
	struct history *h = bpf_map_lookup_elem(&history, &key);
	__u64 cookie;

	if (!h || h->context != (__u64)ctx)
		return NULL;
	cookie = read_cookie(sk);
	if (h->cookie && cookie != h->cookie)
		return NULL;
	h->cookie = cookie;
	return h;
}

/* NULL only when the map is full, which is counted. */
static struct history *history_make(const struct sock *sk, const struct tls_context *ctx)
{
	__u64 key = (__u64)sk;
	struct history *h = history_find(sk, ctx);

	if (h)
		return h;
	bpf_map_update_elem(&history, &key, &blank_history, BPF_ANY);
	h = bpf_map_lookup_elem(&history, &key);
	if (!h) {
		count_observer(KTLS_OBSERVER_HISTORY_FULL);
		return NULL;
	}
	h->context = (__u64)ctx;
	h->cookie = read_cookie(sk);
	return h;
}

/* For what may come while the socket is being closed: then nobody would remove a new entry. */
static struct history *history_make_if_open(const struct sock *sk, const struct tls_context *ctx)
{
	if (!BPF_CORE_READ(sk, sk_socket))
		return history_find(sk, ctx);
	return history_make(sk, ctx);
}

static void history_note_error(struct history *h, __u16 error)
{
	h->last_errno = error;
	h->last_error_ns = bpf_ktime_get_boot_ns();
}

static void history_forget(const struct sock *sk)
{
	__u64 key = (__u64)sk;

	bpf_map_delete_elem(&history, &key);
}

/*
 * Nobody saw it close. Of one that lives this is never true, from the moment at which its
 * tls_context is noted; of one that is gone it may still be false.
 */
static _Bool history_is_over(const struct sock *sk, const struct history *h)
{
	if (!h->context) /* it is being made */
		return 0;
	return (__u64)read_context(sk) != h->context || !has_references(sk) ||
	       (h->cookie && read_cookie(sk) != h->cookie);
}

#endif
