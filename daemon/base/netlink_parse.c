/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads what the kernel's netlink messages say; must not know how they came. */
#include "base/netlink_parse.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <limits.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tls.h>
#include <string.h>

#include "base/util.h"

/* Newer than the headers of Debian 12. */
enum { INFO_TX_MAX_PAYLOAD_LEN = 7 };

enum { N_ATTRIBUTES = 32 }; /* numbers of all that are read here are less */

/* What an attribute must be; those of MNL_TYPE_UNSPEC are not read. */
typedef enum mnl_attr_data_type attribute_types[N_ATTRIBUTES];

struct attributes {
	const enum mnl_attr_data_type *types;
	const struct nlattr *at[N_ATTRIBUTES]; /* NULL: not there */
};

static int attribute_note(const struct nlattr *attribute, void *arg)
{
	struct attributes *a = arg;
	uint16_t number = mnl_attr_get_type(attribute);

	if (number >= N_ATTRIBUTES || a->types[number] == MNL_TYPE_UNSPEC)
		return MNL_CB_OK;
	if (mnl_attr_validate(attribute, a->types[number]) < 0)
		return MNL_CB_ERROR;
	a->at[number] = attribute;
	return MNL_CB_OK;
}

static int nest_parse(const struct nlattr *nest, const attribute_types types, struct attributes *a)
{
	*a = (struct attributes){ .types = types };
	return mnl_attr_parse_nested(nest, attribute_note, a) < 0 ? -EBADMSG : 0;
}

/* The fixed part of a message, of head_len bytes, and the attributes behind it. */
static const void *message_parse(const void *buf, size_t len, size_t head_len,
				 const attribute_types types, struct attributes *a)
{
	const struct nlmsghdr *nlh = buf;

	*a = (struct attributes){ .types = types };
	/* libmnl compares signed lengths, and reads up to the aligned end. */
	if (len > INT_MAX || len < sizeof(*nlh) || nlh->nlmsg_len > len ||
	    !mnl_nlmsg_ok(nlh, (int)len) || MNL_ALIGN(nlh->nlmsg_len) > len ||
	    mnl_nlmsg_get_payload_len(nlh) < head_len ||
	    mnl_attr_parse(nlh, (unsigned int)head_len, attribute_note, a) < 0)
		return NULL;
	return mnl_nlmsg_get_payload(nlh);
}

static uint16_t get_u16(const struct attributes *a, size_t number)
{
	return a->at[number] ? mnl_attr_get_u16(a->at[number]) : 0;
}

static int tls_info_parse(const struct nlattr *nest, struct netlink_socket *s)
{
	static const attribute_types types = {
		[TLS_INFO_VERSION] = MNL_TYPE_U16,	  [TLS_INFO_CIPHER] = MNL_TYPE_U16,
		[TLS_INFO_TXCONF] = MNL_TYPE_U16,	  [TLS_INFO_RXCONF] = MNL_TYPE_U16,
		[TLS_INFO_ZC_RO_TX] = MNL_TYPE_FLAG,	  [TLS_INFO_RX_NO_PAD] = MNL_TYPE_FLAG,
		[INFO_TX_MAX_PAYLOAD_LEN] = MNL_TYPE_U16,
	};
	struct attributes a;

	if (nest_parse(nest, types, &a))
		return -EBADMSG;
	s->version = get_u16(&a, TLS_INFO_VERSION);
	s->cipher = get_u16(&a, TLS_INFO_CIPHER);
	s->tx_conf = get_u16(&a, TLS_INFO_TXCONF);
	s->rx_conf = get_u16(&a, TLS_INFO_RXCONF);
	s->tx_max_payload = get_u16(&a, INFO_TX_MAX_PAYLOAD_LEN);
	s->tx_zero_copy = a.at[TLS_INFO_ZC_RO_TX];
	s->rx_no_pad = a.at[TLS_INFO_RX_NO_PAD];
	return 0;
}

int netlink_parse_socket(const void *buf, size_t len, struct netlink_socket *s)
{
	static const attribute_types diag_types = { [INET_DIAG_ULP_INFO] = MNL_TYPE_NESTED };
	static const attribute_types ulp_types = {
		[INET_ULP_INFO_NAME] = MNL_TYPE_NUL_STRING,
		[INET_ULP_INFO_TLS] = MNL_TYPE_NESTED,
	};
	const struct nlmsghdr *nlh = buf;
	const struct inet_diag_msg *diag;
	struct attributes a;

	diag = message_parse(buf, len, sizeof(*diag), diag_types, &a);
	if (!diag || nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return -EBADMSG;
	if (!a.at[INET_DIAG_ULP_INFO])
		return -ENODATA;
	if (nest_parse(a.at[INET_DIAG_ULP_INFO], ulp_types, &a))
		return -EBADMSG;
	if (!a.at[INET_ULP_INFO_NAME] ||
	    strcmp(mnl_attr_get_str(a.at[INET_ULP_INFO_NAME]), "tls") != 0)
		return -ENODATA;
	*s = (struct netlink_socket){
		.cookie = (uint64_t)diag->id.idiag_cookie[1] << 32 | diag->id.idiag_cookie[0],
		.inode = diag->idiag_inode,
		.uid = diag->idiag_uid,
		.family = diag->idiag_family,
		.state = diag->idiag_state,
	};
	return a.at[INET_ULP_INFO_TLS] ? tls_info_parse(a.at[INET_ULP_INFO_TLS], s) : 0;
}

int netlink_parse_link(const void *buf, size_t len, struct netlink_device *device)
{
	static const attribute_types types = { [IFLA_IFNAME] = MNL_TYPE_NUL_STRING };
	const struct nlmsghdr *nlh = buf;
	const struct ifinfomsg *info;
	struct attributes a;
	const char *name;

	info = message_parse(buf, len, sizeof(*info), types, &a);
	if (!info || nlh->nlmsg_type != RTM_NEWLINK || info->ifi_index <= 0 || !a.at[IFLA_IFNAME])
		return -EBADMSG;
	name = mnl_attr_get_str(a.at[IFLA_IFNAME]);
	if (strlen(name) >= sizeof(device->name))
		return -EBADMSG;
	*device = (struct netlink_device){
		.ifindex = (uint32_t)info->ifi_index,
		.up = info->ifi_flags & IFF_UP,
	};
	strcpy(device->name, name);
	return 0;
}

static struct netlink_feature *feature_find(struct netlink_device *device, const char *name)
{
	if (!strcmp(name, "tls-hw-tx-offload"))
		return &device->tls_tx;
	if (!strcmp(name, "tls-hw-rx-offload"))
		return &device->tls_rx;
	if (!strcmp(name, "tls-hw-record"))
		return &device->tls_record;
	return NULL;
}

static void feature_set(struct netlink_feature *feature, uint16_t set, bool on)
{
	feature->known = true;
	switch (set) {
	case ETHTOOL_A_FEATURES_HW:
		feature->supported = on;
		break;
	case ETHTOOL_A_FEATURES_WANTED:
		feature->wanted = on;
		break;
	case ETHTOOL_A_FEATURES_ACTIVE:
		feature->active = on;
		break;
	case ETHTOOL_A_FEATURES_NOCHANGE:
		feature->fixed = on;
		break;
	}
}

/* One of the four sets: its bits by name, with their value if there is a mask, else all are on. */
static int feature_set_parse(const struct nlattr *nest, uint16_t set, struct netlink_device *device)
{
	static const attribute_types set_types = {
		[ETHTOOL_A_BITSET_NOMASK] = MNL_TYPE_FLAG,
		[ETHTOOL_A_BITSET_BITS] = MNL_TYPE_NESTED,
	};
	static const attribute_types bit_types = {
		[ETHTOOL_A_BITSET_BIT_NAME] = MNL_TYPE_NUL_STRING,
		[ETHTOOL_A_BITSET_BIT_VALUE] = MNL_TYPE_FLAG,
	};
	struct netlink_feature *feature;
	const struct nlattr *bit;
	struct attributes a, b;

	if (nest_parse(nest, set_types, &a) || !a.at[ETHTOOL_A_BITSET_BITS])
		return -EBADMSG;
	mnl_attr_for_each_nested(bit, a.at[ETHTOOL_A_BITSET_BITS])
	{
		if (mnl_attr_get_type(bit) != ETHTOOL_A_BITSET_BITS_BIT)
			continue;
		if (nest_parse(bit, bit_types, &b) || !b.at[ETHTOOL_A_BITSET_BIT_NAME])
			return -EBADMSG;
		feature = feature_find(device, mnl_attr_get_str(b.at[ETHTOOL_A_BITSET_BIT_NAME]));
		if (feature)
			feature_set(feature, set,
				    a.at[ETHTOOL_A_BITSET_NOMASK] ||
					    b.at[ETHTOOL_A_BITSET_BIT_VALUE]);
	}
	return 0;
}

int netlink_parse_features(const void *buf, size_t len, struct netlink_device *device)
{
	static const attribute_types types = {
		[ETHTOOL_A_FEATURES_HW] = MNL_TYPE_NESTED,
		[ETHTOOL_A_FEATURES_WANTED] = MNL_TYPE_NESTED,
		[ETHTOOL_A_FEATURES_ACTIVE] = MNL_TYPE_NESTED,
		[ETHTOOL_A_FEATURES_NOCHANGE] = MNL_TYPE_NESTED,
	};
	struct netlink_feature *features[] = { &device->tls_tx, &device->tls_rx,
					       &device->tls_record };
	const struct genlmsghdr *genl;
	struct attributes a;

	genl = message_parse(buf, len, sizeof(*genl), types, &a);
	if (!genl || genl->cmd != ETHTOOL_MSG_FEATURES_GET_REPLY)
		return -EBADMSG;
	for (uint16_t set = ETHTOOL_A_FEATURES_HW; set <= ETHTOOL_A_FEATURES_NOCHANGE; set++)
		if (!a.at[set] || feature_set_parse(a.at[set], set, device))
			return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		features[i]->fixed |= features[i]->known && !features[i]->supported;
	device->has_features = true;
	return 0;
}

int netlink_parse_family(const void *buf, size_t len, uint16_t *id)
{
	static const attribute_types types = { [CTRL_ATTR_FAMILY_ID] = MNL_TYPE_U16 };
	const struct genlmsghdr *genl;
	struct attributes a;

	genl = message_parse(buf, len, sizeof(*genl), types, &a);
	if (!genl || genl->cmd != CTRL_CMD_NEWFAMILY || !a.at[CTRL_ATTR_FAMILY_ID])
		return -EBADMSG;
	*id = mnl_attr_get_u16(a.at[CTRL_ATTR_FAMILY_ID]);
	return 0;
}
