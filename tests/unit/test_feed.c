/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of the ring buffer, on a file laid out like one: what it takes, skips and gives back. */
#include "bpf/feed.h"

#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { RECORD = BPF_RINGBUF_HDR_SZ + sizeof(struct ktls_event), N_SEEN = 8 };
_Static_assert(RECORD % 8 == 0, "records of the ring buffer follow each other");

/* The kernel's side, as far as it is the kernel's. */
struct ring {
	struct feed feed;
	uint8_t *pages;
	uint64_t *consumer, *producer;
	uint8_t *data;
};

struct seen {
	unsigned int n;
	uint64_t cookies[N_SEEN];
	int answer;
};

static int note(const struct ktls_event *event, void *arg)
{
	struct seen *seen = arg;

	seen->cookies[seen->n++ % N_SEEN] = event->cookie;
	return seen->answer;
}

static int set_up(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 2 * page + 2 * KTLS_EVENTS_BYTES;
	struct ring *ring = calloc(1, sizeof(*ring));
	int fd = memfd_create("ring", MFD_CLOEXEC);

	if (!ring || fd < 0 || ftruncate(fd, (off_t)size))
		return -1;
	ring->pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring->pages == MAP_FAILED || feed_open(&ring->feed, fd))
		return -1;
	ring->consumer = (uint64_t *)ring->pages;
	ring->producer = (uint64_t *)(ring->pages + page);
	ring->data = ring->pages + 2 * page;
	*state = ring;
	return 0;
}

static int tear_down(void **state)
{
	struct ring *ring = *state;

	feed_close(&ring->feed);
	munmap(ring->pages, 2 * (size_t)sysconf(_SC_PAGESIZE) + 2 * KTLS_EVENTS_BYTES);
	free(ring);
	return 0;
}

static struct ktls_event good(uint64_t cookie)
{
	return (struct ktls_event){
		.magic = KTLS_EVENT_MAGIC,
		.abi = KTLS_ABI,
		.size = sizeof(struct ktls_event),
		.cookie = cookie,
		.event = KTLS_EVENT_CLOSE,
		.direction = KTLS_BOTH,
		.comm = "nginx",
	};
}

/* Writes at the producer's place, as both mappings of the same memory would show it. */
static void put(struct ring *ring, uint32_t head, const struct ktls_event *event)
{
	size_t at = *ring->producer & (KTLS_EVENTS_BYTES - 1);

	memcpy(ring->data + at, &head, sizeof(head));
	memcpy(ring->data + at + BPF_RINGBUF_HDR_SZ, event, sizeof(*event));
	*ring->producer += RECORD;
}

static void put_good(struct ring *ring, uint64_t cookie)
{
	struct ktls_event event = good(cookie);

	put(ring, sizeof(event), &event);
}

static void takes_what_waits_once(void **state)
{
	struct ring *ring = *state;
	struct seen seen = { 0 };

	put_good(ring, 1);
	put_good(ring, 2);
	assert_int_equal(feed_read(&ring->feed, note, &seen), 0);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.cookies[1], 2);
	assert_int_equal(*ring->consumer, 2 * RECORD);
	assert_int_equal(feed_read(&ring->feed, note, &seen), 0);
	assert_int_equal(seen.n, 2);
}

static void goes_on_past_the_end(void **state)
{
	struct ring *ring = *state;
	struct seen seen = { 0 };

	*ring->consumer = *ring->producer = 5 * (uint64_t)KTLS_EVENTS_BYTES - 64;
	put_good(ring, 7);
	assert_int_equal(feed_read(&ring->feed, note, &seen), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.cookies[0], 7);
}

static void waits_for_a_record_that_is_being_written(void **state)
{
	struct ring *ring = *state;
	struct ktls_event event = good(2);
	struct seen seen = { 0 };

	put_good(ring, 1);
	put(ring, sizeof(event) | BPF_RINGBUF_BUSY_BIT, &event);
	put_good(ring, 3);
	assert_int_equal(feed_read(&ring->feed, note, &seen), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(*ring->consumer, RECORD);
}

static void skips_what_was_discarded_or_is_no_event(void **state)
{
	struct ring *ring = *state;
	struct ktls_event event = good(1), other = good(2);
	struct seen seen = { 0 };

	other.abi++;
	put(ring, sizeof(event) | BPF_RINGBUF_DISCARD_BIT, &event);
	put(ring, sizeof(other), &other);
	put(ring, sizeof(event) - 8, &event);
	*ring->producer -= 8;
	put_good(ring, 3);
	assert_int_equal(feed_read(&ring->feed, note, &seen), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.cookies[0], 3);
	assert_int_equal(ring->feed.damaged, 2);
}

static void passes_on_an_answer_after_the_event(void **state)
{
	struct ring *ring = *state;
	struct seen seen = { .answer = -ECANCELED };

	put_good(ring, 1);
	put_good(ring, 2);
	assert_int_equal(feed_read(&ring->feed, note, &seen), -ECANCELED);
	assert_int_equal(*ring->consumer, RECORD);
	assert_int_equal(feed_read(&ring->feed, note, &seen), -ECANCELED);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.cookies[1], 2);
}

static void drops_what_makes_no_sense(void **state)
{
	struct ring *ring = *state;
	struct ktls_event event = good(1);
	struct seen seen = { 0 };

	put(ring, 4096, &event); /* longer than what was written */
	assert_int_equal(feed_read(&ring->feed, note, &seen), -EPROTO);
	assert_int_equal(*ring->consumer, *ring->producer);
	*ring->consumer = *ring->producer + 8; /* ahead of the kernel */
	assert_int_equal(feed_read(&ring->feed, note, &seen), -EPROTO);
	*ring->consumer = *ring->producer - RECORD + 3;
	assert_int_equal(feed_read(&ring->feed, note, &seen), -EPROTO);
	assert_int_equal(*ring->consumer, *ring->producer);
	put_good(ring, 2);
	assert_int_equal(feed_read(&ring->feed, note, &seen), 0);
	assert_int_equal(seen.n, 1);
}

#define AT(member) offsetof(struct ktls_event, member)

static void refuses_damaged_events(void **state)
{
	static const struct {
		const char *what;
		size_t offset;
		uint8_t value;
	} damages[] = {
		{ "magic", AT(magic), 0 },
		{ "size", AT(size), 8 },
		{ "event", AT(event), KTLS_N_EVENTS },
		{ "direction", AT(direction), 2 },
		{ "tx mode", AT(conf[KTLS_TX]), KTLS_N_CONFS },
		{ "rx mode", AT(conf[KTLS_RX]), KTLS_N_CONFS },
		{ "offer", AT(offer), KTLS_N_OFFERS },
		{ "tx known", AT(records_known[KTLS_TX]), 2 },
		{ "rx known", AT(records_known[KTLS_RX]), 2 },
		{ "unsent", AT(unsent), 2 },
	};
	struct ktls_event event = good(1), out;

	(void)state;
	assert_int_equal(feed_decode(&event, sizeof(event), &out), 0);
	assert_int_equal(feed_decode(&event, sizeof(event) - 1, &out), -EPROTO);
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		event = good(1);
		((uint8_t *)&event)[damages[i].offset] = damages[i].value;
		if (feed_decode(&event, sizeof(event), &out) != -EPROTO)
			fail_msg("damaged %s was taken", damages[i].what);
	}
	event = good(1);
	memset(event.comm, 'x', sizeof(event.comm));
	assert_int_equal(feed_decode(&event, sizeof(event), &out), -EPROTO);
	event = good(1);
	memset(event.device, 'x', sizeof(event.device));
	assert_int_equal(feed_decode(&event, sizeof(event), &out), -EPROTO);
}

static void refuses_what_cannot_be_mapped(void **state)
{
	struct feed feed;

	(void)state;
	assert_int_equal(feed_open(&feed, -1), -EBADF);
	assert_null(feed.consumer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(takes_what_waits_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(goes_on_past_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(waits_for_a_record_that_is_being_written, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(skips_what_was_discarded_or_is_no_event, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(passes_on_an_answer_after_the_event, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(drops_what_makes_no_sense, set_up, tear_down),
		cmocka_unit_test(refuses_damaged_events),
		cmocka_unit_test(refuses_what_cannot_be_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
