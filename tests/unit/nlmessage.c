/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds netlink messages. */
#include "nlmessage.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tls.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static void append(struct nlmessage *m, const void *data, size_t len)
{
	assert_true(m->len + NLMSG_ALIGN(len) <= sizeof(m->bytes));
	if (len)
		memcpy(m->bytes + m->len, data, len);
	m->len += NLMSG_ALIGN(len);
	m->header.nlmsg_len = (uint32_t)m->len;
}

void nlmessage_begin(struct nlmessage *m, uint16_t type, const void *head, size_t len)
{
	*m = (struct nlmessage){ .header = { .nlmsg_type = type }, .len = sizeof(m->header) };
	append(m, head, len);
}

void nlmessage_put(struct nlmessage *m, uint16_t number, const void *data, size_t len)
{
	struct nlattr attribute = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = number };

	append(m, &attribute, sizeof(attribute));
	append(m, data, len);
}

void nlmessage_put_u16(struct nlmessage *m, uint16_t number, uint16_t value)
{
	nlmessage_put(m, number, &value, sizeof(value));
}

void nlmessage_put_text(struct nlmessage *m, uint16_t number, const char *text)
{
	nlmessage_put(m, number, text, strlen(text) + 1);
}

size_t nlmessage_nest(struct nlmessage *m, uint16_t number)
{
	size_t at = m->len;

	nlmessage_put(m, number, NULL, 0);
	return at;
}

void nlmessage_nest_end(struct nlmessage *m, size_t at)
{
	((struct nlattr *)(m->bytes + at))->nla_len = (uint16_t)(m->len - at);
}

void nlmessage_socket(struct nlmessage *m)
{
	const struct inet_diag_msg diag = {
		.idiag_family = AF_INET6,
		.idiag_state = TCP_ESTABLISHED,
		.id.idiag_cookie = { NLMESSAGE_COOKIE & UINT32_MAX, NLMESSAGE_COOKIE >> 32 },
		.idiag_uid = 33,
		.idiag_inode = NLMESSAGE_INODE,
	};

	nlmessage_begin(m, SOCK_DIAG_BY_FAMILY, &diag, sizeof(diag));
	nlmessage_put(m, INET_DIAG_INFO, "counters", 8);
}

void nlmessage_tls_socket_old(struct nlmessage *m)
{
	size_t ulp, tls;

	nlmessage_socket(m);
	ulp = nlmessage_nest(m, INET_DIAG_ULP_INFO);
	nlmessage_put_text(m, INET_ULP_INFO_NAME, "tls");
	tls = nlmessage_nest(m, INET_ULP_INFO_TLS);
	nlmessage_put_u16(m, TLS_INFO_VERSION, 0x0303);
	nlmessage_put_u16(m, TLS_INFO_CIPHER, TLS_CIPHER_AES_GCM_128);
	nlmessage_put_u16(m, TLS_INFO_TXCONF, TLS_CONF_HW);
	nlmessage_put_u16(m, TLS_INFO_RXCONF, TLS_CONF_BASE);
	nlmessage_nest_end(m, tls);
	nlmessage_nest_end(m, ulp);
}

void nlmessage_tls_socket(struct nlmessage *m)
{
	size_t ulp, tls;

	nlmessage_socket(m);
	ulp = nlmessage_nest(m, INET_DIAG_ULP_INFO | NLA_F_NESTED);
	nlmessage_put_text(m, INET_ULP_INFO_NAME, "tls");
	tls = nlmessage_nest(m, INET_ULP_INFO_TLS | NLA_F_NESTED);
	nlmessage_put_u16(m, TLS_INFO_VERSION, 0x0304);
	nlmessage_put_u16(m, TLS_INFO_CIPHER, TLS_CIPHER_CHACHA20_POLY1305);
	nlmessage_put_u16(m, TLS_INFO_TXCONF, TLS_CONF_SW);
	nlmessage_put_u16(m, TLS_INFO_RXCONF, TLS_CONF_SW);
	nlmessage_put(m, TLS_INFO_ZC_RO_TX, NULL, 0);
	nlmessage_put(m, TLS_INFO_RX_NO_PAD, NULL, 0);
	nlmessage_put_u16(m, 7, 16384);
	nlmessage_put(m, 99, "future", 6);
	nlmessage_nest_end(m, tls);
	nlmessage_nest_end(m, ulp);
}
