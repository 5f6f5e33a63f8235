/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The asking by netlink, with a kernel that reads from a script. */
#include "base/netlink.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/util.h"
#include "nlmessage.h"

struct mnl_socket;

/* One receive: an errno or a datagram. */
struct datagram {
	int error;
	struct nlmessage message;
};

static struct datagram script[32];
static size_t n_script, at_script, n_sent;

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *buf, size_t len);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t bufsiz);
unsigned int __wrap_mnl_socket_get_portid(const struct mnl_socket *nl);

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *buf, size_t len)
{
	(void)nl;
	(void)buf;
	n_sent++;
	return (ssize_t)len;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t bufsiz)
{
	const struct datagram *next = &script[at_script++];

	(void)nl;
	assert_true(at_script <= n_script && next->message.len <= bufsiz);
	if (next->error) {
		errno = next->error;
		return -1;
	}
	memcpy(buf, next->message.bytes, next->message.len);
	return (ssize_t)next->message.len;
}

unsigned int __wrap_mnl_socket_get_portid(const struct mnl_socket *nl)
{
	(void)nl;
	return 0;
}

static struct nlmessage *expect_datagram(void)
{
	assert_true(n_script < ARRAY_SIZE(script));
	script[n_script] = (struct datagram){ 0 };
	return &script[n_script++].message;
}

static void expect_error(int error)
{
	expect_datagram();
	script[n_script - 1].error = error;
}

static void expect_end(uint16_t type, int error, uint16_t flags)
{
	struct nlmessage *m = expect_datagram();

	nlmessage_begin(m, type, &error, sizeof(error));
	m->header.nlmsg_flags = flags;
}

static int count(const struct netlink_socket *s, void *arg)
{
	unsigned int *n = arg;

	(void)s;
	return ++*n == 3 ? -ECANCELED : 0;
}

static int list_sockets(unsigned int *n)
{
	*n = 0;
	at_script = n_sent = 0;
	return netlink_list_sockets(count, n);
}

static int start(void **state)
{
	(void)state;
	n_script = 0;
	return 0;
}

static void lists_both_families(void **state)
{
	unsigned int n;

	(void)state;
	nlmessage_tls_socket(expect_datagram());
	nlmessage_socket(expect_datagram());
	expect_error(EINTR);
	expect_end(NLMSG_DONE, 0, 0);
	nlmessage_tls_socket_old(expect_datagram());
	expect_end(NLMSG_DONE, 0, 0);
	assert_int_equal(list_sockets(&n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(n_sent, 2);
}

static void passes_on_a_refusal(void **state)
{
	unsigned int n;

	(void)state;
	for (int i = 0; i < 4; i++)
		nlmessage_tls_socket(expect_datagram());
	expect_end(NLMSG_DONE, 0, 0);
	expect_end(NLMSG_ERROR, -ENOENT, 0); /* no IPv6 */
	assert_int_equal(list_sockets(&n), -ECANCELED);
	assert_int_equal(n, 3);
}

static void asks_again_after_a_disturbed_dump(void **state)
{
	unsigned int n;

	(void)state;
	nlmessage_tls_socket(expect_datagram());
	expect_end(NLMSG_DONE, 0, NLM_F_DUMP_INTR);
	nlmessage_tls_socket(expect_datagram());
	nlmessage_tls_socket(expect_datagram());
	expect_end(NLMSG_DONE, 0, 0);
	expect_end(NLMSG_DONE, 0, 0);
	assert_int_equal(list_sockets(&n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(n_sent, 3);
}

static void gives_up_on_a_dump_that_is_always_disturbed(void **state)
{
	unsigned int n;

	(void)state;
	for (int i = 0; i < 3; i++)
		expect_end(NLMSG_DONE, 0, NLM_F_DUMP_INTR);
	assert_int_equal(list_sockets(&n), -EINTR);
	assert_int_equal(n_sent, 3);
}

static void tells_the_kernels_errors(void **state)
{
	unsigned int n;

	(void)state;
	expect_end(NLMSG_ERROR, -ENOENT, 0);
	assert_int_equal(list_sockets(&n), -ENOENT);
	n_script = 0;
	nlmessage_tls_socket(expect_datagram());
	expect_end(NLMSG_DONE, -EMSGSIZE, 0); /* of a dump that began well */
	assert_int_equal(list_sockets(&n), -EMSGSIZE);
	assert_int_equal(n, 0);
	n_script = 0;
	nlmessage_begin(expect_datagram(), NLMSG_ERROR, "", 0);
	assert_int_equal(list_sockets(&n), -EBADMSG);
	n_script = 0;
	expect_error(EAGAIN); /* the deadline of the socket */
	assert_int_equal(list_sockets(&n), -ETIMEDOUT);
	n_script = 0;
	expect_error(ENOBUFS);
	assert_int_equal(list_sockets(&n), -ENOBUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lists_both_families, start),
		cmocka_unit_test_setup(passes_on_a_refusal, start),
		cmocka_unit_test_setup(asks_again_after_a_disturbed_dump, start),
		cmocka_unit_test_setup(gives_up_on_a_dump_that_is_always_disturbed, start),
		cmocka_unit_test_setup(tells_the_kernels_errors, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
