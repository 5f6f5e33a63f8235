/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both directions at once under a tiny SO_SNDBUF, with readers that stall, control records between
 * the data and the move into the kernel in the middle: what arrives is what was sent, by hash, and
 * the wire never sees a record too long or a TLS 1.2 nonce out of turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "pair.h"
#include "sha256.h"
#include "tap.h"
#include "tls/ktls.h"

enum { N_WRITES = 10000, MOVE_AT = 3000, WRITE_MAX = 40000, DEADLINE_MS = 10 * 1000 };

/* One direction: its writer, its reader, what each saw. */
struct half {
	struct channel *from, *to;
	unsigned int seed, stall_seed;
	uint8_t out[WRITE_MAX];
	size_t off, len; /* of the write in hand */
	uint8_t type;
	int n_writes, n_short, n_again;
	struct sha256 *sent, *got;
	uint64_t n_sent, n_got, n_controls_sent, n_controls_got;
	bool stalled;
	int again_at_stall;
	int pipe[2]; /* by_splice: between the writer and the channel, or channel and reader */
	size_t in_pipe;
};

static struct {
	struct pair pair;
	struct tap tap;
	struct half half[N_DIRECTIONS]; /* named as the subject sees them */
	bool moved[N_DIRECTIONS];
	bool by_splice; /* what is in the kernel goes through pipes */
} f;

static uint32_t next_random(unsigned int *seed)
{
	return (uint32_t)rand_r(seed) << 15 ^ (uint32_t)rand_r(seed);
}

/* Odd sizes, most of them small, some longer than a record. */
static size_t next_size(unsigned int *seed)
{
	uint32_t r = next_random(seed);

	if (r % 50 == 0)
		return 16380 + r / 50 % (WRITE_MAX - 16380);
	return 1 + r / 50 % (r % 4 ? 1500 : 5000);
}

static void half_init(struct half *h, struct channel *from, struct channel *to, unsigned int seed)
{
	memset(h, 0, sizeof(*h));
	h->from = from;
	h->to = to;
	h->seed = h->stall_seed = seed;
	h->sent = sha256_new();
	h->got = sha256_new();
	assert_int_equal(pipe2(h->pipe, O_NONBLOCK | O_CLOEXEC), 0);
}

static bool has_more(const struct half *h)
{
	return h->n_writes < N_WRITES || h->off < h->len;
}

static void next_write(struct half *h)
{
	uint32_t r = next_random(&h->seed);

	h->n_writes++;
	h->off = 0;
	h->type = r % 64 ? RECORD_DATA : 99;
	h->len = h->type == RECORD_DATA ? next_size(&h->seed) : 1 + r / 64 % 300;
	for (size_t i = 0; i < h->len; i++)
		h->out[i] = (uint8_t)(r >> i % 24);
}

/* Fills the pipe with pieces of odd sizes of the write in hand, as a socket's buffers would be. */
static void fill_pipe(struct half *h)
{
	struct iovec iov[16];
	size_t at = h->off;
	ssize_t n;
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(iov) && at < h->len; i++) {
		iov[i].iov_base = h->out + at;
		iov[i].iov_len = 1 + next_random(&h->seed) % 4000;
		iov[i].iov_len = MIN_OF(iov[i].iov_len, h->len - at);
		at += iov[i].iov_len;
	}
	n = vmsplice(h->pipe[1], iov, (size_t)i, SPLICE_F_NONBLOCK);
	assert_true(n > 0);
	h->in_pipe = (size_t)n;
}

/* Offers what is left of the write in hand, from memory or from the pipe. */
static struct channel_event offer(struct half *h)
{
	if (!f.by_splice || h != &f.half[TX] || !f.moved[TX] || h->type != RECORD_DATA)
		return channel_send(h->from, h->type, h->out + h->off, h->len - h->off);
	if (!h->in_pipe)
		fill_pipe(h);
	return channel_splice_out(h->from, h->pipe[0], h->in_pipe);
}

/* One call of the writer's. True if bytes were taken. */
static bool write_some(struct half *h)
{
	struct channel_event e;

	if (h->off == h->len) {
		if (!has_more(h))
			return false;
		next_write(h);
	}
	e = offer(h);
	if (e.result == CHANNEL_AGAIN) {
		h->n_again++;
		return false;
	}
	assert_int_equal(e.result, h->type == RECORD_DATA ? CHANNEL_DATA : CHANNEL_CONTROL);
	assert_true(e.len && e.len <= h->len - h->off);
	h->n_short += e.len < h->len - h->off;
	sha256_add(h->sent, h->out + h->off, e.len);
	if (h->type == RECORD_DATA)
		h->n_sent += e.len;
	else
		h->n_controls_sent += e.len;
	h->off += e.len;
	h->in_pipe -= MIN_OF(h->in_pipe, e.len);
	return true;
}

/* Stalls now and then, until the writer has felt it or has nothing left. */
static bool is_stalling(struct half *h)
{
	if (h->stalled)
		h->stalled = h->n_again == h->again_at_stall && has_more(h);
	else if (next_random(&h->stall_seed) % 200 == 0) {
		h->stalled = has_more(h);
		h->again_at_stall = h->n_again;
	}
	return h->stalled;
}

/* Fetches up to cap bytes, through the pipe if it can. */
static struct channel_event fetch(struct half *h, uint8_t *in, size_t cap)
{
	struct channel_event e;

	if (!f.by_splice || h != &f.half[RX] || !f.moved[RX])
		return channel_recv(h->to, in, cap);
	e = channel_splice_in(h->to, h->pipe[1], cap);
	if (e.result == CHANNEL_CONTROL)
		return channel_recv(h->to, in, cap);
	if (e.len)
		assert_int_equal(read(h->pipe[0], in, e.len), e.len);
	return e;
}

static bool read_some(struct half *h)
{
	static uint8_t in[WRITE_MAX];
	struct channel_event e;

	if (is_stalling(h))
		return false;
	e = fetch(h, in, 1 + next_random(&h->stall_seed) % sizeof(in));
	if (e.result == CHANNEL_AGAIN)
		return false;
	if (e.result != CHANNEL_DATA)
		assert_int_equal(e.type, 99);
	sha256_add(h->got, in, e.len);
	if (e.result == CHANNEL_DATA)
		h->n_got += e.len;
	else
		h->n_controls_got += e.len;
	return true;
}

/* Moves a direction as soon as it can be, after MOVE_AT writes. */
static void try_move(enum direction d)
{
	int err;

	if (f.moved[d] || !current.layer->in_kernel[d] || f.half[d].n_writes < MOVE_AT)
		return;
	err = channel_move_to_kernel(&f.pair.subject, d);
	if (err == -EBUSY)
		return;
	assert_int_equal(err, 0);
	f.moved[d] = true;
}

static bool is_done(const struct half *h)
{
	return !has_more(h) && h->n_got == h->n_sent && h->n_controls_got == h->n_controls_sent &&
	       !channel_has_unsent(h->from);
}

static short channel_events(const struct half *out, const struct half *in)
{
	return (short)((in->stalled ? 0 : POLLIN) |
		       (has_more(out) || channel_has_unsent(out->from) ? POLLOUT : 0));
}

/* Nothing could be moved: something must become possible, or a wakeup was lost. */
static void wait_for_any(void)
{
	struct pollfd fds[] = {
		{ .fd = f.pair.subject.fd, .events = channel_events(&f.half[TX], &f.half[RX]) },
		{ .fd = f.pair.peer.fd, .events = channel_events(&f.half[RX], &f.half[TX]) },
		{ .fd = f.tap.fd[0], .events = tap_events(&f.tap, 0) },
		{ .fd = f.tap.fd[1], .events = tap_events(&f.tap, 1) },
	};

	if (poll(fds, ARRAY_SIZE(fds), DEADLINE_MS) <= 0)
		fail_msg("hangs: tx %d writes, %llu of %llu bytes; rx %d writes, %llu of %llu "
			 "bytes",
			 f.half[TX].n_writes, (unsigned long long)f.half[TX].n_got,
			 (unsigned long long)f.half[TX].n_sent, f.half[RX].n_writes,
			 (unsigned long long)f.half[RX].n_got,
			 (unsigned long long)f.half[RX].n_sent);
}

static void run(void)
{
	while (!is_done(&f.half[TX]) || !is_done(&f.half[RX])) {
		bool moved = tap_pump(&f.tap);

		for (int d = 0; d < N_DIRECTIONS; d++) {
			struct half *h = &f.half[d];

			moved |= write_some(h);
			if (channel_has_unsent(h->from))
				channel_flush(h->from);
			moved |= read_some(h);
			try_move((enum direction)d);
		}
		if (!moved)
			wait_for_any();
	}
}

static void finish(struct half *h, const struct tap_parser *wire, const char *name)
{
	uint8_t sent[SHA256_LEN], got[SHA256_LEN];

	sha256_end(h->sent, sent);
	sha256_end(h->got, got);
	fd_close(&h->pipe[0]);
	fd_close(&h->pipe[1]);
	print_message("%s: %llu bytes in %d writes, %llu records, longest %zu, %d short, %d "
		      "AGAIN\n",
		      name, (unsigned long long)(h->n_sent + h->n_controls_sent), h->n_writes,
		      (unsigned long long)wire->n_records, wire->longest, h->n_short, h->n_again);
	if (wire->complaint)
		fail_msg("%s, record %llu: %s", name, (unsigned long long)wire->n_records,
			 wire->complaint);
	assert_memory_equal(sent, got, SHA256_LEN);
	assert_int_equal(h->n_writes, N_WRITES);
	assert_true(wire->n_records >= N_WRITES / 2);
	assert_int_equal(wire->longest, 16384);
	assert_true(h->n_again > 10);
	assert_true(h->n_short > 10);
}

static void shrink(int fd)
{
	int least = 1; /* the kernel makes its minimum of it: 4.5 KiB */

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
}

static void both_directions(bool by_splice)
{
	const struct suite *s = suite_find(current.suite);
	int left[2], right[2];

	f.by_splice = by_splice;
	memset(f.moved, 0, sizeof(f.moved));
	pair_sockets(left);
	pair_sockets(right);
	shrink(left[0]);
	shrink(right[0]);
	if (kernel_has_tls())
		assert_int_equal(ktls_attach(left[0]), 0);
	pair_init(&f.pair, current.suite, left[0], right[0]);
	tap_init(&f.tap, left[1], right[1], s->version == TLS13, suite_explicit_nonce_len(s));
	half_init(&f.half[TX], &f.pair.subject, &f.pair.peer, 1);
	half_init(&f.half[RX], &f.pair.peer, &f.pair.subject, 2);
	run();
	for (int d = 0; d < N_DIRECTIONS; d++)
		assert_int_equal(f.moved[d], current.layer->in_kernel[d]);
	finish(&f.half[TX], &f.tap.way[0].parser, "tx");
	finish(&f.half[RX], &f.tap.way[1].parser, "rx");
	pair_close(&f.pair);
	fd_close(&left[1]);
	fd_close(&right[1]);
}

static void by_copy(void **state)
{
	(void)state;
	both_directions(false);
}

static void by_splice(void **state)
{
	(void)state;
	both_directions(true);
}

int main(void)
{
	static const struct CMUnitTest copy[] = { cmocka_unit_test(by_copy) };
	static const struct CMUnitTest splice[] = { cmocka_unit_test(by_splice) };
	static const uint16_t suites[] = { 0x1301, 0xc02f, 0xc0ac };

	return run_layers(copy, 1, suites, ARRAY_SIZE(suites), layers) +
	       run_layers(splice, 1, suites, ARRAY_SIZE(suites) - 1, layers + 1);
}
