/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks, and what is summed up of them. */
#include "bpf/walk.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "bpf/observe.h"
#include "host/listing.h"
#include "host/stats.h"
#include "host/tls_stat.h"
#include "serve/conn.h"

enum { OWN = 100, OTHER = 200 };

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

/* ---- pins, which are files here ---- */

static char dir[] = "/tmp/ktlsd-walk.XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return !mkdtemp(dir);
}

static const char *pin_path(char path[static PATH_MAX], const char *pin)
{
	snprintf(path, PATH_MAX, "%s/%s", dir, pin);
	return path;
}

static int remove_dir(void **state)
{
	char path[PATH_MAX];

	unlink(pin_path(path, OBSERVE_ITER_TCP));
	unlink(pin_path(path, OBSERVE_ITER_TASKS));
	unlink(pin_path(path, OBSERVE_ITER_TOTALS));
	(void)state;
	return rmdir(dir);
}

static void append(const char *pin, const void *record, size_t size)
{
	char path[PATH_MAX];
	FILE *file = fopen(pin_path(path, pin), "a");

	assert_non_null(file);
	assert_int_equal(fwrite(record, size, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

static void pin_socket(const char *pin, uint64_t cookie, uint64_t inode, uint32_t holder)
{
	struct ktls_socket s = { .magic = KTLS_SOCKET_MAGIC,
				 .abi = KTLS_ABI,
				 .size = sizeof(s),
				 .cookie = cookie,
				 .inode = inode,
				 .holder_pid = holder,
				 .family = AF_INET };

	append(pin, &s, sizeof(s));
}

static void pin_holder(uint64_t inode, uint32_t pid)
{
	struct ktls_holder h = { .magic = KTLS_HOLDER_MAGIC,
				 .abi = KTLS_ABI,
				 .size = sizeof(h),
				 .inode = inode,
				 .pid = pid };

	append(OBSERVE_ITER_TASKS, &h, sizeof(h));
}

static void three_pins_make_a_walk(void **state)
{
	struct ktls_total t = {
		.magic = KTLS_TOTAL_MAGIC, .abi = KTLS_ABI, .size = sizeof(t), .count = 7
	};
	struct walk w;

	pin_socket(OBSERVE_ITER_TCP, 9, 90, 0);
	pin_socket(OBSERVE_ITER_TCP, 4, 40, 0);
	pin_holder(40, 11);
	pin_socket(OBSERVE_ITER_TASKS, 6, 60, 12);
	pin_holder(40, 12);
	pin_socket(OBSERVE_ITER_TASKS, 6, 60, 13);
	for (int i = 0; i < 3; i++)
		append(OBSERVE_ITER_TOTALS, &t, sizeof(t));

	walk_run(&w, dir, false);
	assert_int_equal(w.err, 0);
	assert_int_equal(w.n, 2);
	assert_false(w.everywhere);
	assert_int_equal(walk_find(&w, 4)->holder_pid, 0);
	walk_fini(&w);

	walk_run(&w, dir, true);
	assert_int_equal(w.err, 0);
	assert_int_equal(w.n, 3);
	assert_true(w.everywhere);
	assert_int_equal(w.n_totals, 3);
	assert_int_equal(w.totals[2].count, 7);
	assert_int_equal(walk_find(&w, 4)->holder_pid, 11);
	assert_int_equal(walk_find(&w, 6)->holder_pid, 12);
	assert_int_equal(walk_find(&w, 9)->holder_pid, 0);
	assert_null(walk_find(&w, 5));
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
		cmocka_unit_test(nothing_pinned),
		cmocka_unit_test_setup_teardown(three_pins_make_a_walk, make_dir, remove_dir),
		cmocka_unit_test_setup(kernel_counters_have_their_like, fill),
		cmocka_unit_test_setup(records_of_closed_and_living, fill),
		cmocka_unit_test_setup(groups, fill),
		cmocka_unit_test(tls_stat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
