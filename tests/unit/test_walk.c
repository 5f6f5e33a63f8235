/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two walks joined, and what is summed up of them. */
#include "bpf/walk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/util.h"
#include "host/listing.h"
#include "host/stats.h"
#include "host/tls_stat.h"
#include "serve/conn.h"

enum { OWN = 100, OTHER = 200 };

static struct ktls_socket own(uint64_t cookie, uint64_t inode)
{
	return (struct ktls_socket){ .cookie = cookie, .inode = inode, .netns = OWN };
}

static struct ktls_socket held(uint32_t netns, uint64_t cookie, uint64_t inode, uint32_t pid)
{
	struct ktls_socket s = {
		.cookie = cookie, .inode = inode, .netns = netns, .holder_pid = pid
	};

	strcpy(s.holder_comm, "holder");
	return s;
}

static const struct ktls_socket *with_inode(const struct ktls_socket *s, size_t n, uint64_t inode)
{
	for (size_t i = 0; i < n; i++)
		if (s[i].inode == inode)
			return &s[i];
	return NULL;
}

static void holders_are_entered(void **state)
{
	struct ktls_socket s[] = {
		own(5, 50),
		own(1, 10),
		own(9, 0), /* nobody has it open any more */
		held(OWN, 1, 10, 77),
		held(OWN, 1, 10, 33),
		held(OWN, 5, 50, 44),
		held(OWN, 6, 60, 55), /* newer than the first walk */
		held(OTHER, 0, 90, 12),
		held(OTHER, 0, 90, 11),
		held(OTHER, 8, 20, 13),
	};
	size_t n = walk_join(s, 3, ARRAY_SIZE(s), OWN);

	assert_int_equal(n, 5);
	assert_int_equal(with_inode(s, n, 10)->holder_pid, 33);
	assert_string_equal(with_inode(s, n, 10)->holder_comm, "holder");
	assert_int_equal(with_inode(s, n, 50)->holder_pid, 44);
	assert_int_equal(with_inode(s, n, 0)->holder_pid, 0);
	assert_null(with_inode(s, n, 60));
	assert_int_equal(with_inode(s, n, 90)->holder_pid, 11);
	assert_int_equal(with_inode(s, n, 20)->cookie, 8);
	(void)state;
}

static void one_side_may_be_empty(void **state)
{
	struct ktls_socket s[] = { held(OTHER, 0, 90, 12), held(OWN, 1, 10, 3) };
	struct ktls_socket t[] = { own(1, 10) };

	assert_int_equal(walk_join(NULL, 0, 0, OWN), 0);
	assert_int_equal(walk_join(s, 0, ARRAY_SIZE(s), OWN), 1);
	assert_int_equal(s[0].inode, 90);
	assert_int_equal(walk_join(t, 1, 1, OWN), 1);
	(void)state;
}

static void nothing_pinned(void **state)
{
	struct walk w;

	walk_run(&w, "/nonexistent", true);
	assert_int_equal(w.err, -ENOENT);
	assert_int_equal(w.n, 0);
	assert_int_equal(w.n_totals, 0);
	assert_false(w.everywhere);
	assert_null(walk_find(&w, 1));
	walk_fini(&w);
	(void)state;
}

/* ---- sums ---- */

static struct ktls_socket carried(uint32_t netns, uint8_t tx, uint8_t rx, uint64_t records)
{
	return (struct ktls_socket){
		.cookie = 1,
		.netns = netns,
		.version = 0x304,
		.cipher = 51,
		.dir = { { .conf = tx,
			   .seq = 7 + records,
			   .seq_initial = 7,
			   .seq_initial_known = 1 },
			 { .conf = rx, .seq = records, .seq_initial_known = 1 } },
	};
}

static struct ktls_total total(uint8_t event, uint8_t direction, uint8_t conf, uint8_t ok,
			       uint64_t count, uint64_t records)
{
	return (struct ktls_total){ .key = { event, direction, conf, ok, 0x304, 51 },
				    .count = count,
				    .records = records };
}

static struct ktls_socket sockets[] = {
	{ 0 },
	{ 0 },
	{ 0 },
};
static struct ktls_total totals[10];
static struct walk walk = { .sockets = sockets, .n = ARRAY_SIZE(sockets), .taken_ns = 1 };

static int fill(void **state)
{
	size_t n = 0;

	sockets[0] = carried(OWN, KTLS_CONF_SW, KTLS_CONF_SW, 10);
	sockets[1] = carried(OWN, KTLS_CONF_HW, KTLS_CONF_BASE, 5);
	sockets[2] = carried(OTHER, KTLS_CONF_SW, KTLS_CONF_SW, 3);
	totals[n++] = total(KTLS_EVENT_KEYS, KTLS_TX, KTLS_CONF_SW, 1, 40, 0);
	totals[n++] = total(KTLS_EVENT_KEYS, KTLS_TX, KTLS_CONF_SW, 0, 2, 0);
	totals[n++] = total(KTLS_EVENT_KEYS, KTLS_TX, KTLS_CONF_HW, 1, 3, 0);
	totals[n++] = total(KTLS_EVENT_ERROR, KTLS_RX, KTLS_CONF_SW, 0, 6, 0);
	totals[n++] = total(KTLS_EVENT_ERROR, KTLS_RX, KTLS_CONF_HW, 0, 1, 0);
	totals[n++] = total(KTLS_EVENT_CLOSE, KTLS_TX, KTLS_CONF_SW, 1, 30, 1000);
	totals[n++] = total(KTLS_EVENT_CLOSE, KTLS_TX, KTLS_CONF_HW, 1, 2, 100);
	totals[n++] = total(KTLS_N_EVENTS + KTLS_OBSERVER_EVENTS_LOST, 0, 0, 0, 9, 0);
	walk.totals = totals;
	walk.n_totals = n;
	(void)state;
	return 0;
}

static void assert_ours(const char *name, uint64_t expected)
{
	uint64_t ours = 0;

	assert_true(stats_find_ours(&walk, OWN, name, &ours));
	assert_int_equal(ours, expected);
}

static void kernel_counters_have_their_like(void **state)
{
	uint64_t ours;

	assert_ours("TlsCurrTxSw", 1);
	assert_ours("TlsCurrRxSw", 1);
	assert_ours("TlsCurrTxDevice", 1);
	assert_ours("TlsCurrRxDevice", 0);
	assert_ours("TlsTxSw", 40);
	assert_ours("TlsTxDevice", 3);
	assert_ours("TlsRxSw", 0);
	assert_ours("TlsDecryptError", 7);
	assert_false(stats_find_ours(&walk, OWN, "TlsDecryptRetry", &ours));
	assert_int_equal(stats_count_observer(&walk, KTLS_OBSERVER_EVENTS_LOST), 9);
	(void)state;
}

static void records_of_closed_and_living(void **state)
{
	assert_int_equal(stats_records(&walk, KTLS_TX, false), 1000 + 10 + 3);
	assert_int_equal(stats_records(&walk, KTLS_TX, true), 100 + 5);
	assert_int_equal(stats_records(&walk, KTLS_RX, false), 10 + 3);
	(void)state;
}

static void groups(void **state)
{
	struct conn_info ours = { .side[TX].mode = MODE_KERNEL, .side[RX].mode = MODE_USER };
	struct listing_row rows[] = { { NULL, &sockets[0] },
				      { NULL, &sockets[2] },
				      { &ours, &sockets[1] },
				      { &ours, NULL } };
	struct stats_groups g = { .n = 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(stats_add(&g, &rows[i]), 0);
	assert_int_equal(g.n, 4);
	assert_int_equal(g.groups[0].n, 2);
	assert_int_equal(g.groups[0].records, 13);
	assert_string_equal(g.groups[0].mode, "kernel");
	assert_true(g.groups[2].ours);
	assert_string_equal(g.groups[2].mode, "device");
	assert_int_equal(g.groups[2].records, 5);
	assert_string_equal(g.groups[3].mode, "user");
	stats_groups_fini(&g);
	(void)state;
}

static void tls_stat(void **state)
{
	struct tls_stat stats[TLS_STAT_MAX];

	assert_int_equal(tls_stat_parse("TlsCurrTxSw                     \t3\n\nnonsense\n"
					"TlsDecryptError\t18446744073709551615\n",
					stats),
			 2);
	assert_string_equal(stats[0].name, "TlsCurrTxSw");
	assert_int_equal(stats[0].value, 3);
	assert_string_equal(stats[1].name, "TlsDecryptError");
	assert_true(stats[1].value == UINT64_MAX);
	assert_int_equal(tls_stat_parse("", stats), 0);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holders_are_entered),
		cmocka_unit_test(one_side_may_be_empty),
		cmocka_unit_test(nothing_pinned),
		cmocka_unit_test_setup(kernel_counters_have_their_like, fill),
		cmocka_unit_test_setup(records_of_closed_and_living, fill),
		cmocka_unit_test_setup(groups, fill),
		cmocka_unit_test(tls_stat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
