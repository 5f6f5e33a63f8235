/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections that the kernel has handed to a device, and what the device makes of a packet that
 * arrives for one of them.
 */
#ifndef TLSNIC_FLOW_H
#define TLSNIC_FLOW_H

#include <net/tls.h>

#include "tlsnic.h"

/* How the receiver gets a packet. */
enum view { VIEW_ENCRYPTED, VIEW_PLAIN, VIEW_PLAIN_TAGGED };

extern const struct tlsdev_ops flow_ops;

/* How the device hands a packet up that another device sent. */
enum view flow_receive(struct tlsnic *nic, const struct sk_buff *skb);

#endif
