/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the records in a packet of a socket whose sending was offloaded. */
#ifndef TLSNIC_RECORD_H
#define TLSNIC_RECORD_H

#include <linux/skbuff.h>

/* True if the packet begins or ends in the middle of a record's tag. */
bool record_cuts_tag(const struct sk_buff *skb);

/* The sequence number of the first record header that begins in the packet; false if none does. */
bool record_find_header(const struct sk_buff *skb, u32 *seq);

/* Copies what tags there are from one copy of a packet, that with the socket, to another. */
void record_copy_tags(struct sk_buff *to, struct sk_buff *from);

/* Changes one octet that a tag protects, or one of the tag itself; false if there is none. */
bool record_corrupt(struct sk_buff *skb);

#endif
