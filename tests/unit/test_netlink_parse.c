/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of netlink messages: whole ones, and those that are cut off, odd or damaged. */
#include "base/netlink_parse.h"

#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tls.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/util.h"
#include "nlmessage.h"

/* ---- sockets ---- */

static void reads_a_socket(void **state)
{
	struct netlink_socket s;
	struct nlmessage m;

	(void)state;
	nlmessage_tls_socket(&m);
	assert_int_equal(netlink_parse_socket(&m, m.len, &s), 0);
	assert_int_equal(s.cookie, NLMESSAGE_COOKIE);
	assert_int_equal(s.inode, NLMESSAGE_INODE);
	assert_int_equal(s.uid, 33);
	assert_int_equal(s.family, AF_INET6);
	assert_int_equal(s.state, TCP_ESTABLISHED);
	assert_int_equal(s.version, 0x0304);
	assert_int_equal(s.cipher, TLS_CIPHER_CHACHA20_POLY1305);
	assert_int_equal(s.tx_conf, TLS_CONF_SW);
	assert_int_equal(s.rx_conf, TLS_CONF_SW);
	assert_int_equal(s.tx_max_payload, 16384);
	assert_true(s.tx_zero_copy);
	assert_true(s.rx_no_pad);

	nlmessage_tls_socket_old(&m);
	assert_int_equal(netlink_parse_socket(&m, m.len, &s), 0);
	assert_int_equal(s.version, 0x0303);
	assert_int_equal(s.tx_conf, TLS_CONF_HW);
	assert_int_equal(s.rx_conf, TLS_CONF_BASE);
	assert_int_equal(s.tx_max_payload, 0);
	assert_false(s.tx_zero_copy);
	assert_false(s.rx_no_pad);
}

static void passes_over_sockets_without_tls(void **state)
{
	struct netlink_socket s;
	struct nlmessage m;
	size_t ulp;

	(void)state;
	nlmessage_socket(&m);
	assert_int_equal(netlink_parse_socket(&m, m.len, &s), -ENODATA);
	ulp = nlmessage_nest(&m, INET_DIAG_ULP_INFO);
	nlmessage_nest_end(&m, ulp);
	assert_int_equal(netlink_parse_socket(&m, m.len, &s), -ENODATA);
	nlmessage_socket(&m);
	ulp = nlmessage_nest(&m, INET_DIAG_ULP_INFO);
	nlmessage_put_text(&m, INET_ULP_INFO_NAME, "espintcp");
	nlmessage_nest_end(&m, ulp);
	assert_int_equal(netlink_parse_socket(&m, m.len, &s), -ENODATA);
	/* its context is being freed */
	nlmessage_socket(&m);
	ulp = nlmessage_nest(&m, INET_DIAG_ULP_INFO);
	nlmessage_put_text(&m, INET_ULP_INFO_NAME, "tls");
	nlmessage_nest_end(&m, ulp);
	assert_int_equal(netlink_parse_socket(&m, m.len, &s), 0);
	assert_int_equal(s.tx_conf, 0);
}

/* A socket of which one attribute is odd. */
static int parse_odd_socket(uint16_t name_len, uint16_t number, size_t len)
{
	struct netlink_socket s;
	struct nlmessage m;
	size_t ulp, tls;

	nlmessage_socket(&m);
	ulp = nlmessage_nest(&m, INET_DIAG_ULP_INFO);
	nlmessage_put(&m, INET_ULP_INFO_NAME, "tls", name_len);
	tls = nlmessage_nest(&m, INET_ULP_INFO_TLS);
	nlmessage_put(&m, number, "\1\2\3\4", len);
	nlmessage_nest_end(&m, tls);
	nlmessage_nest_end(&m, ulp);
	return netlink_parse_socket(&m, m.len, &s);
}

static void refuses_odd_sockets(void **state)
{
	struct netlink_socket s;
	struct nlmessage m;

	(void)state;
	assert_int_equal(parse_odd_socket(4, TLS_INFO_VERSION, 2), 0);
	assert_int_equal(parse_odd_socket(4, TLS_INFO_VERSION, 1), -EBADMSG);
	assert_int_equal(parse_odd_socket(4, TLS_INFO_VERSION, 4), -EBADMSG);
	assert_int_equal(parse_odd_socket(4, TLS_INFO_TXCONF, 0), -EBADMSG);
	assert_int_equal(parse_odd_socket(4, TLS_INFO_RX_NO_PAD, 1), -EBADMSG);
	assert_int_equal(parse_odd_socket(3, TLS_INFO_VERSION, 2), -EBADMSG);
	assert_int_equal(parse_odd_socket(0, TLS_INFO_VERSION, 2), -EBADMSG);
	nlmessage_tls_socket(&m);
	m.header.nlmsg_type = RTM_NEWLINK;
	assert_int_equal(netlink_parse_socket(&m, m.len, &s), -EBADMSG);
}

/* ---- devices ---- */

static void make_link(struct nlmessage *m, int ifindex, unsigned int flags, const char *name)
{
	const struct ifinfomsg info = { .ifi_index = ifindex, .ifi_flags = flags };

	nlmessage_begin(m, RTM_NEWLINK, &info, sizeof(info));
	nlmessage_put(m, IFLA_ADDRESS, "\2\0\0\0\0\1", 6);
	if (name)
		nlmessage_put_text(m, IFLA_IFNAME, name);
}

static void reads_a_device(void **state)
{
	struct netlink_device d = { .has_features = true };
	struct nlmessage m;

	(void)state;
	make_link(&m, 3, IFF_UP | IFF_RUNNING, "eth0");
	assert_int_equal(netlink_parse_link(&m, m.len, &d), 0);
	assert_int_equal(d.ifindex, 3);
	assert_string_equal(d.name, "eth0");
	assert_true(d.up);
	assert_false(d.has_features);
	make_link(&m, 4, IFF_RUNNING, "fifteen-letters");
	assert_int_equal(netlink_parse_link(&m, m.len, &d), 0);
	assert_string_equal(d.name, "fifteen-letters");
	assert_false(d.up);
}

static void refuses_odd_devices(void **state)
{
	struct netlink_device d;
	struct nlmessage m;

	(void)state;
	make_link(&m, 3, IFF_UP, NULL);
	assert_int_equal(netlink_parse_link(&m, m.len, &d), -EBADMSG);
	make_link(&m, 3, IFF_UP, "a-name-too-long.");
	assert_int_equal(netlink_parse_link(&m, m.len, &d), -EBADMSG);
	make_link(&m, 0, IFF_UP, "eth0");
	assert_int_equal(netlink_parse_link(&m, m.len, &d), -EBADMSG);
	make_link(&m, 3, IFF_UP, "eth0");
	m.header.nlmsg_type = RTM_DELLINK;
	assert_int_equal(netlink_parse_link(&m, m.len, &d), -EBADMSG);
}

static void put_bit(struct nlmessage *m, const char *name, bool value)
{
	const uint32_t index = 53;
	size_t bit = nlmessage_nest(m, ETHTOOL_A_BITSET_BITS_BIT | NLA_F_NESTED);

	nlmessage_put(m, ETHTOOL_A_BITSET_BIT_INDEX, &index, sizeof(index));
	nlmessage_put_text(m, ETHTOOL_A_BITSET_BIT_NAME, name);
	if (value)
		nlmessage_put(m, ETHTOOL_A_BITSET_BIT_VALUE, NULL, 0);
	nlmessage_nest_end(m, bit);
}

/* A set with these bits on, as one letter each; with a mask it names the others too. */
static void put_set(struct nlmessage *m, uint16_t number, bool masked, const char *on)
{
	static const char letters[] = "trR";
	static const char *const names[] = { "tls-hw-tx-offload", "tls-hw-rx-offload",
					     "tls-hw-record" };
	size_t set = nlmessage_nest(m, number | NLA_F_NESTED), bits;

	if (!masked)
		nlmessage_put(m, ETHTOOL_A_BITSET_NOMASK, NULL, 0);
	bits = nlmessage_nest(m, ETHTOOL_A_BITSET_BITS | NLA_F_NESTED);
	if (masked)
		put_bit(m, "rx-checksum", true);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (masked || strchr(on, letters[i]))
			put_bit(m, names[i], masked && strchr(on, letters[i]));
	nlmessage_nest_end(m, bits);
	nlmessage_nest_end(m, set);
}

/* NULL leaves the set out. */
static void make_features(struct nlmessage *m, const char *hw, const char *wanted,
			  const char *active, const char *nochange)
{
	const struct genlmsghdr genl = { .cmd = ETHTOOL_MSG_FEATURES_GET_REPLY, .version = 1 };
	const uint32_t ifindex = 3;
	size_t header;

	nlmessage_begin(m, 0x15, &genl, sizeof(genl));
	header = nlmessage_nest(m, ETHTOOL_A_FEATURES_HEADER | NLA_F_NESTED);
	nlmessage_put(m, ETHTOOL_A_HEADER_DEV_INDEX, &ifindex, sizeof(ifindex));
	nlmessage_put_text(m, ETHTOOL_A_HEADER_DEV_NAME, "eth0");
	nlmessage_nest_end(m, header);
	put_set(m, ETHTOOL_A_FEATURES_HW, true, hw);
	put_set(m, ETHTOOL_A_FEATURES_WANTED, false, wanted);
	put_set(m, ETHTOOL_A_FEATURES_ACTIVE, false, active);
	if (nochange)
		put_set(m, ETHTOOL_A_FEATURES_NOCHANGE, false, nochange);
}

static void assert_feature(const struct netlink_feature *f, const char *expected)
{
	assert_int_equal(f->known, !!strchr(expected, 'k'));
	assert_int_equal(f->supported, !!strchr(expected, 's'));
	assert_int_equal(f->wanted, !!strchr(expected, 'w'));
	assert_int_equal(f->active, !!strchr(expected, 'a'));
	assert_int_equal(f->fixed, !!strchr(expected, 'f'));
}

static void reads_features(void **state)
{
	struct netlink_device d = { .ifindex = 3 }, e = { .ifindex = 3 };
	struct nlmessage m;

	(void)state;
	make_features(&m, "tr", "t", "t", "");
	assert_int_equal(netlink_parse_features(&m, m.len, &d), 0);
	assert_true(d.has_features);
	assert_feature(&d.tls_tx, "kswa");
	assert_feature(&d.tls_rx, "ks");
	assert_feature(&d.tls_record, "kf");
	make_features(&m, "tr", "tr", "", "rR");
	assert_int_equal(netlink_parse_features(&m, m.len, &e), 0);
	assert_feature(&e.tls_tx, "ksw");
	assert_feature(&e.tls_rx, "kswf");
	assert_feature(&e.tls_record, "kf");
}

static void refuses_odd_features(void **state)
{
	const struct genlmsghdr other = { .cmd = ETHTOOL_MSG_FEATURES_NTF };
	struct netlink_device d = { 0 };
	struct nlmessage m;
	size_t set;

	(void)state;
	make_features(&m, "tr", "t", "t", NULL);
	assert_int_equal(netlink_parse_features(&m, m.len, &d), -EBADMSG);
	/* without names nobody knows which bit is which */
	set = nlmessage_nest(&m, ETHTOOL_A_FEATURES_NOCHANGE);
	nlmessage_put(&m, ETHTOOL_A_BITSET_VALUE, "\0\0\0\0\0\0\0\0", 8);
	nlmessage_nest_end(&m, set);
	assert_int_equal(netlink_parse_features(&m, m.len, &d), -EBADMSG);
	make_features(&m, "", "", "", "");
	memcpy(m.bytes + sizeof(m.header), &other, sizeof(other));
	assert_int_equal(netlink_parse_features(&m, m.len, &d), -EBADMSG);
	assert_false(d.has_features);
}

/* ---- families ---- */

static void make_family(struct nlmessage *m)
{
	const struct genlmsghdr genl = { .cmd = CTRL_CMD_NEWFAMILY, .version = 2 };

	nlmessage_begin(m, GENL_ID_CTRL, &genl, sizeof(genl));
	nlmessage_put_text(m, CTRL_ATTR_FAMILY_NAME, "handshake");
	nlmessage_put_u16(m, CTRL_ATTR_FAMILY_ID, 0x23);
}

static void reads_a_family(void **state)
{
	struct nlmessage m;
	uint16_t id = 0;

	(void)state;
	make_family(&m);
	assert_int_equal(netlink_parse_family(&m, m.len, &id), 0);
	assert_int_equal(id, 0x23);
	((struct genlmsghdr *)(m.bytes + sizeof(m.header)))->cmd = CTRL_CMD_DELFAMILY;
	assert_int_equal(netlink_parse_family(&m, m.len, &id), -EBADMSG);
}

/* ---- any bytes ---- */

/* Whatever the answer, nothing is read beyond the end, which the sanitizer watches. */
static void parse_all(const unsigned char *bytes, size_t len)
{
	unsigned char *exact = malloc(len ? len : 1);
	struct netlink_socket s;
	struct netlink_device d = { 0 };
	uint16_t id;
	int r;

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	r = netlink_parse_socket(exact, len, &s);
	assert_true(!r || r == -ENODATA || r == -EBADMSG);
	r = netlink_parse_link(exact, len, &d);
	assert_true((!r && strnlen(d.name, sizeof(d.name)) < sizeof(d.name)) || r == -EBADMSG);
	r = netlink_parse_features(exact, len, &d);
	assert_true(!r || r == -EBADMSG);
	r = netlink_parse_family(exact, len, &id);
	assert_true(!r || r == -EBADMSG);
	free(exact);
}

static void make_nth(struct nlmessage *m, int i)
{
	switch (i) {
	case 0:
		nlmessage_tls_socket(m);
		break;
	case 1:
		make_link(m, 3, IFF_UP, "eth0");
		break;
	case 2:
		make_features(m, "t", "t", "t", "R");
		break;
	default:
		make_family(m);
	}
}

enum { N_MESSAGES = 4 };

static void survives_every_length(void **state)
{
	struct nlmessage m, cut;
	struct netlink_socket s;

	(void)state;
	for (int i = 0; i < N_MESSAGES; i++) {
		make_nth(&m, i);
		for (size_t len = 0; len < m.len; len++) {
			parse_all(m.bytes, len);
			assert_int_equal(netlink_parse_socket(m.bytes, len, &s), -EBADMSG);
			cut = m; /* and with a header that says so */
			cut.header.nlmsg_len = (uint32_t)len;
			parse_all(cut.bytes, len);
		}
	}
}

static void survives_every_octet(void **state)
{
	struct nlmessage m;

	(void)state;
	for (int i = 0; i < N_MESSAGES; i++) {
		make_nth(&m, i);
		for (size_t at = 0; at < m.len; at++) {
			unsigned char good = m.bytes[at];

			for (int octet = 0; octet < 256; octet++) {
				m.bytes[at] = (unsigned char)octet;
				parse_all(m.bytes, m.len);
			}
			m.bytes[at] = good;
		}
	}
}

static void survives_lengths_at_the_limits(void **state)
{
	static const uint32_t lens[] = { 0, 15, 0x7fffffff, 0x80000000, 0xfffffffd, 0xffffffff };
	struct nlmessage m;

	(void)state;
	nlmessage_tls_socket(&m);
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		m.header.nlmsg_len = lens[i];
		parse_all(m.bytes, m.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_socket),
		cmocka_unit_test(passes_over_sockets_without_tls),
		cmocka_unit_test(refuses_odd_sockets),
		cmocka_unit_test(reads_a_device),
		cmocka_unit_test(refuses_odd_devices),
		cmocka_unit_test(reads_features),
		cmocka_unit_test(refuses_odd_features),
		cmocka_unit_test(reads_a_family),
		cmocka_unit_test(survives_every_length),
		cmocka_unit_test(survives_every_octet),
		cmocka_unit_test(survives_lengths_at_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
