/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits shared by workers: counts, the rate of handshakes, addresses and what is one. */
#include "serve/limits.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/util.h"

#define NS_PER_S (MS_PER_S * NS_PER_MS)

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);

static uint64_t clock_ns;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	(void)clock;
	*ts = (struct timespec){ .tv_sec = (time_t)(clock_ns / NS_PER_S),
				 .tv_nsec = (long)(clock_ns % NS_PER_S) };
	return 0;
}

static struct limits l;

static int set_up(void **state)
{
	(void)state;
	clock_ns = 1000 * NS_PER_S;
	assert_int_equal(limits_init(&l), 0);
	l.max_connections = l.max_handshakes = 2000000;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	limits_fini(&l);
	limits_fini(&l); /* a second time does no harm */
	return 0;
}

static struct sockaddr_storage peer_of(const char *text)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
		ss.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
		ss.ss_family = AF_INET6;
	else
		fail_msg("%s is no address", text);
	return ss;
}

static enum reason enter(const char *text, struct address **address)
{
	struct sockaddr_storage peer = peer_of(text);

	return limits_enter(&l, &peer, address);
}

static void test_connections(void **state)
{
	struct address *a;

	(void)state;
	l.max_connections = 2;
	assert_int_equal(enter("192.0.2.1", &a), REASON_NONE);
	assert_null(a); /* addresses are not limited, so they are not counted */
	assert_int_equal(enter("192.0.2.1", &a), REASON_NONE);
	assert_int_equal(enter("192.0.2.1", &a), REASON_LIMIT_CONNECTIONS);
	limits_leave(&l, a);
	assert_int_equal(enter("192.0.2.1", &a), REASON_NONE);
	assert_int_equal(l.connections, 2);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *first, *second;
		bool same;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true },
		{ "2001:db8:1:2::1", "2001:db8:1:3::1", false },
		{ "0.0.0.0", "::1", false },
		{ "::1", "::2", true },
	};

	(void)state;
	l.max_per_address = 1;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address *first, *second;
		enum reason expected = rows[i].same ? REASON_LIMIT_PER_ADDRESS : REASON_NONE;

		assert_int_equal(enter(rows[i].first, &first), REASON_NONE);
		assert_int_equal(enter(rows[i].second, &second), expected);
		if (!rows[i].same)
			limits_leave(&l, second);
		limits_leave(&l, first);
		assert_int_equal(enter(rows[i].second, &second), REASON_NONE);
		limits_leave(&l, second);
		assert_int_equal(l.connections, 0); /* what is refused is not counted */
	}
}

/* A limit that changes meanwhile: who was not counted leaves nothing, nobody goes below zero. */
static void test_addresses_switched(void **state)
{
	struct address *before, *after;

	(void)state;
	assert_int_equal(enter("192.0.2.1", &before), REASON_NONE);
	l.max_per_address = 1;
	assert_int_equal(enter("192.0.2.1", &after), REASON_NONE);
	limits_leave(&l, before);
	assert_int_equal(enter("192.0.2.1", &before), REASON_LIMIT_PER_ADDRESS);
	l.max_per_address = 0;
	limits_leave(&l, after);
	l.max_per_address = 1;
	assert_int_equal(enter("192.0.2.1", &after), REASON_NONE);
	limits_leave(&l, after);
}

enum { N_MANY = 50000 };

/* More addresses than buckets: all are kept apart, and given back in another order. */
static void test_many_addresses(void **state)
{
	static struct address *many[N_MANY];
	struct sockaddr_storage peer = peer_of("10.0.0.0");
	struct sockaddr_in *in = (struct sockaddr_in *)&peer;
	struct address *a;

	(void)state;
	l.max_per_address = 1;
	for (uint32_t i = 0; i < N_MANY; i++) {
		in->sin_addr.s_addr = htonl(0x0a000000 + i * 256);
		assert_int_equal(limits_enter(&l, &peer, &many[i]), REASON_NONE);
	}
	for (uint32_t i = 0; i < N_MANY; i++) {
		in->sin_addr.s_addr = htonl(0x0a000000 + i * 256);
		assert_int_equal(limits_enter(&l, &peer, &a), REASON_LIMIT_PER_ADDRESS);
		limits_leave(&l, many[i]);
		assert_int_equal(limits_enter(&l, &peer, &many[i]), REASON_NONE);
	}
	for (uint32_t i = 0; i < N_MANY; i++)
		limits_leave(&l, many[i]);
	assert_int_equal(l.connections, 0);
}

enum { N_THREADS = 4, N_ROUNDS = 20000, N_FEW = 3 };

static void *come_and_go(void *arg)
{
	struct sockaddr_storage peer = peer_of("192.0.2.1");
	uintptr_t refused = 0;

	(void)arg;
	for (int i = 0; i < N_ROUNDS; i++) {
		struct address *a;

		if (limits_enter(&l, &peer, &a) == REASON_NONE)
			limits_leave(&l, a);
		else
			refused++;
	}
	return (void *)refused;
}

/* As many threads as one address may have connections, and one more: nothing is lost. */
static void test_threads(void **state)
{
	pthread_t threads[N_THREADS];
	struct address *a[N_FEW];

	(void)state;
	l.max_per_address = N_FEW;
	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, NULL), 0);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < N_FEW; i++)
		assert_int_equal(enter("192.0.2.1", &a[i]), REASON_NONE);
	assert_int_equal(enter("192.0.2.1", &a[0]), REASON_LIMIT_PER_ADDRESS);
	assert_int_equal(l.connections, N_FEW);
}

static void test_handshakes(void **state)
{
	(void)state;
	l.max_handshakes = 1;
	assert_int_equal(limits_begin_handshake(&l), REASON_NONE);
	assert_int_equal(limits_begin_handshake(&l), REASON_LIMIT_HANDSHAKES);
	limits_end_handshake(&l);
	assert_int_equal(limits_begin_handshake(&l), REASON_NONE);
	assert_int_equal(l.handshakes, 1);
}

/* How many handshakes may begin now. */
static unsigned begin_all(void)
{
	unsigned n = 0;

	while (limits_begin_handshake(&l) == REASON_NONE)
		n++;
	assert_int_equal(limits_begin_handshake(&l), REASON_LIMIT_HANDSHAKE_RATE);
	for (unsigned i = 0; i < n; i++)
		limits_end_handshake(&l);
	assert_int_equal(l.handshakes, 0); /* the refused are not in flight */
	return n;
}

static void test_rate(void **state)
{
	(void)state;
	l.max_handshake_rate = 10;
	assert_int_equal(begin_all(), 10); /* a second's worth at once */
	assert_int_equal(begin_all(), 0);
	clock_ns += NS_PER_S / 10;
	assert_int_equal(begin_all(), 1);
	clock_ns += NS_PER_S / 2;
	assert_int_equal(begin_all(), 5);
	clock_ns += 3600 * NS_PER_S; /* the bucket holds no more than a second's worth */
	assert_int_equal(begin_all(), 10);
	l.max_handshake_rate = 1000; /* a reload */
	clock_ns += NS_PER_S / 2;
	assert_int_equal(begin_all(), 500);
	l.max_handshake_rate = 1;
	clock_ns += NS_PER_S;
	assert_int_equal(begin_all(), 1);
	l.max_handshake_rate = 1000000;
	clock_ns += NS_PER_S;
	assert_int_equal(begin_all(), 1000000);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_connections),	   TEST(test_addresses), TEST(test_addresses_switched),
		TEST(test_many_addresses), TEST(test_threads),	 TEST(test_handshakes),
		TEST(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
