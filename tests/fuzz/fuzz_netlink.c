/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes in place of the kernel's netlink messages, for each of their readers: the answer is
 * one that they may give, and what was read has its end. The first octet says whether the length
 * in the message's head is made good.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/netlink_parse.h"
#include "base/util.h"

static void check(int r)
{
	if (r && r != -EBADMSG && r != -ENODATA)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_free_ uint8_t *buf = NULL;
	struct netlink_device device = { 0 };
	struct netlink_socket socket;
	uint32_t whole;
	uint16_t id;
	int r;

	if (!len)
		return 0;
	whole = (uint32_t)--len;
	buf = malloc(len); /* of the very size: an overrun is seen */
	if (!buf)
		return 0;
	memcpy(buf, data + 1, len);
	if (data[0] & 1 && len >= sizeof(whole))
		memcpy(buf, &whole, sizeof(whole)); /* nlmsg_len comes first */
	check(netlink_parse_socket(buf, len, &socket));
	check(netlink_parse_features(buf, len, &device));
	check(netlink_parse_family(buf, len, &id));
	r = netlink_parse_link(buf, len, &device);
	check(r);
	if (!r && strnlen(device.name, sizeof(device.name)) == sizeof(device.name))
		abort();
	return 0;
}
