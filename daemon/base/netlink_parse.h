/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes apart one netlink message each, from a buffer aligned for struct nlmsghdr, of any length
 * and content. They return 0, or -EBADMSG for what is short or odd, with the structure in any
 * state.
 */
#ifndef KTLSD_BASE_NETLINK_PARSE_H
#define KTLSD_BASE_NETLINK_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/netlink.h"

/* SOCK_DIAG_BY_FAMILY. Also -ENODATA: it says nothing of TLS. */
int netlink_parse_socket(const void *buf, size_t len, struct netlink_socket *socket);

/* RTM_NEWLINK: sets all but features, and has_features to false. */
int netlink_parse_link(const void *buf, size_t len, struct netlink_device *device);

/* ETHTOOL_MSG_FEATURES_GET_REPLY with bits by name: sets features, all false before, and
 * has_features. */
int netlink_parse_features(const void *buf, size_t len, struct netlink_device *device);

/* CTRL_CMD_NEWFAMILY */
int netlink_parse_family(const void *buf, size_t len, uint16_t *id);

#endif
