/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of the kernel's records: what it takes, and that it takes nothing else. */
#include "bpf/snapshot.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* More than snapshot_read() takes at a time, and not a multiple of it. */
enum { N_MANY = 1000 };

struct seen {
	unsigned int n;
	uint64_t last_cookie;
	unsigned int stop_at; /* refuse this one, counted from 1; 0: none */
};

static int note(const struct ktls_socket *socket, void *arg)
{
	struct seen *seen = arg;

	if (seen->stop_at == seen->n + 1)
		return -ECANCELED;
	seen->n++;
	seen->last_cookie = socket->cookie;
	return 0;
}

static struct ktls_socket good(uint64_t cookie)
{
	return (struct ktls_socket){
		.magic = KTLS_SOCKET_MAGIC,
		.abi = KTLS_ABI,
		.size = sizeof(struct ktls_socket),
		.cookie = cookie,
		.dir[KTLS_TX] = { .seq = 12,
				  .seq_initial = 7,
				  .conf = KTLS_CONF_SW,
				  .seq_initial_known = 1 },
		.dir[KTLS_RX] = { .conf = KTLS_CONF_BASE },
		.family = AF_INET6,
		.version = 0x304,
		.cipher = 51,
		.key_update_pending = KTLS_UNKNOWN,
		.rx_zero_copy = 1,
		.flags = KTLS_SOCKET_DEGRADED,
		.device = "eth0",
	};
}

static void takes_good_records_at_any_alignment(void **state)
{
	struct ktls_socket records[] = { good(1), good(2), good(3) };
	uint8_t buf[sizeof(records) + 1];
	struct seen seen = { 0 };
	size_t used;

	(void)state;
	memcpy(buf + 1, records, sizeof(records));
	assert_int_equal(snapshot_decode(buf + 1, sizeof(records), &used, note, &seen), 0);
	assert_int_equal(used, sizeof(records));
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.last_cookie, 3);
}

static void takes_nothing_from_nothing(void **state)
{
	struct seen seen = { 0 };
	size_t used = 99;

	(void)state;
	assert_int_equal(snapshot_decode("", 0, &used, note, &seen), 0);
	assert_int_equal(used, 0);
	assert_int_equal(seen.n, 0);
}

static void leaves_a_truncated_record(void **state)
{
	struct ktls_socket records[] = { good(1), good(2) };
	struct seen seen = { 0 };
	size_t used;

	(void)state;
	assert_int_equal(snapshot_decode(records, sizeof(records) - 1, &used, note, &seen), 0);
	assert_int_equal(used, sizeof(records[0]));
	assert_int_equal(seen.n, 1);
}

static void passes_on_a_refusal(void **state)
{
	struct ktls_socket records[] = { good(1), good(2), good(3) };
	struct seen seen = { .stop_at = 2 };
	size_t used;

	(void)state;
	assert_int_equal(snapshot_decode(records, sizeof(records), &used, note, &seen), -ECANCELED);
	assert_int_equal(used, sizeof(records[0]));
}

/* ---- who has sockets open ---- */

static struct ktls_holder holder(uint32_t pid)
{
	return (struct ktls_holder){ .magic = KTLS_HOLDER_MAGIC,
				     .abi = KTLS_ABI,
				     .size = sizeof(struct ktls_holder),
				     .inode = 17,
				     .pid = pid,
				     .comm = "holder" };
}

static int note_holder(const struct ktls_holder *h, void *arg)
{
	struct seen *seen = arg;

	if (seen->stop_at == seen->n + 1)
		return -ECANCELED;
	seen->n++;
	seen->last_cookie = h->pid;
	return 0;
}

/* A holder, a socket and another holder; gives their length. */
static size_t mix(uint8_t buf[static 1024])
{
	const struct ktls_holder first = holder(1), last = holder(9);
	const struct ktls_socket socket = good(5);

	memcpy(buf, &first, sizeof(first));
	memcpy(buf + sizeof(first), &socket, sizeof(socket));
	memcpy(buf + sizeof(first) + sizeof(socket), &last, sizeof(last));
	return sizeof(first) + sizeof(socket) + sizeof(last);
}

static int decode_tasks(const uint8_t *buf, size_t len, size_t *used, struct seen *seen)
{
	return snapshot_decode_tasks(buf, len, used, note, note_holder, seen);
}

static void takes_sockets_and_holders(void **state)
{
	uint8_t buf[1024];
	size_t len = mix(buf), used;
	struct seen seen = { 0 };

	(void)state;
	assert_int_equal(decode_tasks(buf, len, &used, &seen), 0);
	assert_int_equal(used, len);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.last_cookie, 9);
	/* whole ones only, wherever it ends */
	for (size_t cut = 0; cut < len; cut++) {
		seen = (struct seen){ 0 };
		assert_int_equal(decode_tasks(buf, cut, &used, &seen), 0);
		assert_int_equal(seen.n, (cut >= sizeof(struct ktls_holder)) +
						 (cut >= len - sizeof(struct ktls_holder)));
		assert_true(used <= cut);
	}
	seen = (struct seen){ .stop_at = 3 };
	assert_int_equal(decode_tasks(buf, len, &used, &seen), -ECANCELED);
	assert_int_equal(used, len - sizeof(struct ktls_holder));
	/* where there are none, one is an error */
	seen = (struct seen){ 0 };
	assert_int_equal(snapshot_decode(buf, len, &used, note, &seen), -EPROTO);
}

static void refuses_damaged_holders(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
	} damage[] = {
		{ offsetof(struct ktls_holder, abi), KTLS_ABI - 1 },
		{ offsetof(struct ktls_holder, size), sizeof(struct ktls_holder) + 8 },
		{ offsetof(struct ktls_holder, comm) + KTLS_COMM_LEN - 1, 'x' },
	};
	struct seen seen = { 0 };
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof(damage) / sizeof(*damage); i++) {
		struct ktls_holder h = holder(1);

		memset(h.comm, 'x', sizeof(h.comm) - 1);
		((uint8_t *)&h)[damage[i].offset] = damage[i].value;
		assert_int_equal(decode_tasks((uint8_t *)&h, sizeof(h), &used, &seen), -EPROTO);
		assert_int_equal(used, 0);
	}
	assert_int_equal(seen.n, 0);
}

/* One octet set to a value that makes a record bad. */
struct damage {
	const char *what;
	size_t offset;
	uint8_t value;
};

static const struct damage damages[] = {
	{ "magic", offsetof(struct ktls_socket, magic), 0 },
	{ "ABI", offsetof(struct ktls_socket, abi), KTLS_ABI + 1 },
	{ "size", offsetof(struct ktls_socket, size), (uint8_t)(sizeof(struct ktls_socket) - 8) },
	{ "tx mode", offsetof(struct ktls_socket, dir[KTLS_TX].conf), KTLS_N_CONFS },
	{ "rx mode", offsetof(struct ktls_socket, dir[KTLS_RX].conf), KTLS_N_CONFS },
	{ "initial known", offsetof(struct ktls_socket, dir[KTLS_RX].seq_initial_known), 2 },
	{ "family", offsetof(struct ktls_socket, family), AF_UNIX },
	{ "flags", offsetof(struct ktls_socket, flags) + 1, 1 },
	{ "tx zero-copy", offsetof(struct ktls_socket, tx_zero_copy), 2 },
	{ "no-pad", offsetof(struct ktls_socket, rx_no_pad), 2 },
	{ "rx zero-copy", offsetof(struct ktls_socket, rx_zero_copy), 254 },
	{ "offer", offsetof(struct ktls_socket, dir[KTLS_TX].offer), KTLS_N_OFFERS },
	{ "keys seen", offsetof(struct ktls_socket, dir[KTLS_RX].keys_seen), 2 },
	{ "egress", offsetof(struct ktls_socket, egress_features), KTLS_EGRESS_ALL + 1 },
	{ "key update", offsetof(struct ktls_socket, key_update_pending), 2 },
};

static void refuses_damaged_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		struct ktls_socket records[] = { good(1), good(2) };
		struct seen seen = { 0 };
		size_t used;
		int r;

		((uint8_t *)&records[1])[damages[i].offset] = damages[i].value;
		r = snapshot_decode(records, sizeof(records), &used, note, &seen);
		if (r != -EPROTO || used != sizeof(records[0]) || seen.n != 1)
			fail_msg("damaged %s: %d, %zu used, %u seen", damages[i].what, r, used,
				 seen.n);
	}
}

static void refuses_names_without_end(void **state)
{
	static const size_t names[] = {
		offsetof(struct ktls_socket, device),
		offsetof(struct ktls_socket, egress),
		offsetof(struct ktls_socket, installer_comm),
		offsetof(struct ktls_socket, holder_comm),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct ktls_socket record = good(1);
		struct seen seen = { 0 };
		size_t used;

		memset((char *)&record + names[i], 'x', KTLS_COMM_LEN);
		assert_int_equal(snapshot_decode(&record, sizeof(record), &used, note, &seen),
				 -EPROTO);
		assert_int_equal(seen.n, 0);
	}
}

static struct ktls_total good_total(void)
{
	return (struct ktls_total){
		.magic = KTLS_TOTAL_MAGIC,
		.abi = KTLS_ABI,
		.size = sizeof(struct ktls_total),
		.key = { .event = KTLS_EVENT_CLOSE,
			 .direction = KTLS_RX,
			 .conf = KTLS_CONF_HW,
			 .ok = 1 },
		.count = 3,
	};
}

static int add_total(const struct ktls_total *total, void *arg)
{
	uint64_t *sum = arg;

	*sum += total->count;
	return 0;
}

static void takes_good_totals_alone(void **state)
{
	static const struct damage bad[] = {
		{ "magic", offsetof(struct ktls_total, magic), 0 },
		{ "ABI", offsetof(struct ktls_total, abi), KTLS_ABI - 1 },
		{ "size", offsetof(struct ktls_total, size), 0 },
		{ "event", offsetof(struct ktls_total, key.event),
		  KTLS_N_EVENTS + KTLS_N_OBSERVER },
		{ "direction", offsetof(struct ktls_total, key.direction), 2 },
		{ "mode", offsetof(struct ktls_total, key.conf), KTLS_N_CONFS },
		{ "outcome", offsetof(struct ktls_total, key.ok), 2 },
	};
	struct ktls_total totals[] = { good_total(), good_total() };
	uint64_t sum = 0;
	size_t used;

	(void)state;
	totals[1].key.event = KTLS_N_EVENTS + KTLS_OBSERVER_TOTALS_FULL;
	totals[1].key.direction = KTLS_BOTH;
	assert_int_equal(snapshot_decode_totals(totals, sizeof(totals), &used, add_total, &sum), 0);
	assert_int_equal(used, sizeof(totals));
	assert_int_equal(sum, 6);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		totals[0] = good_total();
		((uint8_t *)&totals[0])[bad[i].offset] = bad[i].value;
		if (snapshot_decode_totals(totals, sizeof(totals), &used, add_total, &sum) !=
		    -EPROTO)
			fail_msg("a total with bad %s was taken", bad[i].what);
	}
	assert_int_equal(sum, 6);
}

/* A file with n good records and then `tail` bytes of another; stands for the pin. */
static void write_file(char path[static 32], unsigned int n, size_t tail)
{
	FILE *file;
	int fd;

	strcpy(path, "/tmp/test_snapshot.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	for (unsigned int i = 1; i <= n + 1; i++) {
		struct ktls_socket record = good(i);

		fwrite(&record, i <= n ? sizeof(record) : tail, 1, file);
	}
	assert_int_equal(fclose(file), 0);
}

static int read_file(unsigned int n, size_t tail, struct seen *seen)
{
	char path[32];
	int r;

	write_file(path, n, tail);
	r = snapshot_read(path, note, seen);
	unlink(path);
	return r;
}

static void reads_a_whole_file(void **state)
{
	struct seen none = { 0 }, many = { 0 };

	(void)state;
	assert_int_equal(read_file(0, 0, &none), 0);
	assert_int_equal(none.n, 0);
	assert_int_equal(read_file(N_MANY, 0, &many), 0);
	assert_int_equal(many.n, N_MANY);
	assert_int_equal(many.last_cookie, N_MANY);
}

static void refuses_a_file_that_ends_inside_a_record(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	assert_int_equal(read_file(N_MANY, 20, &seen), -EPROTO);
	assert_int_equal(seen.n, N_MANY);
}

static void names_a_missing_pin(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	assert_int_equal(snapshot_read("/nonexistent/iter_tcp", note, &seen), -ENOENT);
	assert_int_equal(snapshot_read("/", note, &seen), -EISDIR);
	assert_int_equal(snapshot_read_totals("/nonexistent/iter_totals", add_total, NULL),
			 -ENOENT);
}

static void counts_records_only_where_they_are_known(void **state)
{
	struct ktls_direction dir = good(1).dir[KTLS_TX];
	uint64_t records = 99;

	(void)state;
	assert_true(snapshot_count_records(&dir, &records));
	assert_int_equal(records, 5);
	dir.records_before = 10;
	assert_true(snapshot_count_records(&dir, &records));
	assert_int_equal(records, 15);
	dir.seq_initial_known = 0;
	records = 99;
	assert_false(snapshot_count_records(&dir, &records));
	dir.seq_initial_known = 1;
	dir.conf = KTLS_CONF_BASE;
	assert_false(snapshot_count_records(&dir, &records));
	assert_int_equal(records, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_good_records_at_any_alignment),
		cmocka_unit_test(takes_nothing_from_nothing),
		cmocka_unit_test(leaves_a_truncated_record),
		cmocka_unit_test(passes_on_a_refusal),
		cmocka_unit_test(takes_sockets_and_holders),
		cmocka_unit_test(refuses_damaged_holders),
		cmocka_unit_test(refuses_damaged_records),
		cmocka_unit_test(refuses_names_without_end),
		cmocka_unit_test(takes_good_totals_alone),
		cmocka_unit_test(reads_a_whole_file),
		cmocka_unit_test(refuses_a_file_that_ends_inside_a_record),
		cmocka_unit_test(names_a_missing_pin),
		cmocka_unit_test(counts_records_only_where_they_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
