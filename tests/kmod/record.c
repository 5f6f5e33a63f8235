// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the records in a packet of a socket whose sending was offloaded. */
#include <linux/spinlock.h>
#include <linux/tcp.h>
#include <net/tcp.h>
#include <net/tls.h>

#include "record.h"

/* TLS 1.2 with AES-GCM, all that the kernel offloads: header and explicit nonce, body, tag. */
enum { RECORD_PREPEND = TLS_HEADER_SIZE + 8, RECORD_TAG = 16 };

/* Where the record with this octet of the sender's stream begins and ends (its tag included). */
static bool find_record(struct sock *sk, u32 seq, u32 *start, u32 *end)
{
	struct tls_offload_context_tx *ctx = tls_offload_ctx_tx(tls_get_ctx(sk));
	struct tls_record_info *record;
	unsigned long flags;
	u64 record_sn;
	bool found;

	spin_lock_irqsave(&ctx->lock, flags);
	record = tls_get_record(ctx, seq, &record_sn);
	found = record && !tls_record_is_start_marker(record) &&
		!before(seq, tls_record_start_seq(record));
	if (found) {
		*start = tls_record_start_seq(record);
		*end = record->end_seq;
	}
	spin_unlock_irqrestore(&ctx->lock, flags);
	return found;
}

static u32 first_seq(const struct sk_buff *skb)
{
	return ntohl(tcp_hdr(skb)->seq);
}

static u32 end_seq(const struct sk_buff *skb)
{
	return first_seq(skb) + skb->len - skb_tcp_all_headers(skb);
}

/* An octet of the stream in a packet that is linear. */
static u8 *octet(struct sk_buff *skb, u32 seq)
{
	return skb->data + skb_tcp_all_headers(skb) + (seq - first_seq(skb));
}

static bool is_inside_tag(struct sock *sk, u32 seq)
{
	u32 start, end;

	return find_record(sk, seq, &start, &end) && after(seq, end - RECORD_TAG);
}

bool record_cuts_tag(const struct sk_buff *skb)
{
	return is_inside_tag(skb->sk, first_seq(skb)) || is_inside_tag(skb->sk, end_seq(skb));
}

bool record_find_header(const struct sk_buff *skb, u32 *seq)
{
	u32 start, end;

	if (!find_record(skb->sk, first_seq(skb), &start, &end))
		return false;
	if (before(start, first_seq(skb)) &&
	    (!before(end, end_seq(skb)) || !find_record(skb->sk, end, &start, &end)))
		return false;
	*seq = start;
	return true;
}

void record_copy_tags(struct sk_buff *to, struct sk_buff *from)
{
	u32 seq = first_seq(from), stop = end_seq(from), start, end, tag;

	while (before(seq, stop) && find_record(from->sk, seq, &start, &end)) {
		tag = before(end - RECORD_TAG, seq) ? seq : end - RECORD_TAG;
		seq = before(end, stop) ? end : stop;
		if (before(tag, seq))
			memcpy(octet(to, tag), octet(from, tag), seq - tag);
	}
}

bool record_corrupt(struct sk_buff *skb)
{
	u32 seq = first_seq(skb), stop = end_seq(skb), start, end;

	while (before(seq, stop) && find_record(skb->sk, seq, &start, &end)) {
		seq = before(end, stop) ? end : stop;
		if (seq - start > RECORD_PREPEND) {
			*octet(skb, seq - 1) ^= 0x55;
			return true;
		}
	}
	return false;
}
