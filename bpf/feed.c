/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the ring buffer as Documentation/bpf/ringbuf.rst lays it out; must not know who made it. */
#include "bpf/feed.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"

/* The consumer's page, the producer's page, then the data, twice in a row. */
static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t read_only_size(void)
{
	return page_size() + 2 * (size_t)KTLS_EVENTS_BYTES;
}

int feed_open(struct feed *f, int fd)
{
	void *map;

	*f = (struct feed){ .fd = fd };
	map = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED) {
		f->consumer = map;
		map = mmap(NULL, read_only_size(), PROT_READ, MAP_SHARED, fd, (off_t)page_size());
	}
	if (map == MAP_FAILED) {
		int r = -errno;

		feed_close(f);
		return r;
	}
	f->producer = map;
	f->data = (const uint8_t *)map + page_size();
	return 0;
}

void feed_close(struct feed *f)
{
	if (f->consumer)
		munmap(f->consumer, page_size());
	if (f->producer)
		munmap((void *)f->producer, read_only_size());
	fd_close(&f->fd);
	f->consumer = NULL;
	f->producer = NULL;
	f->data = NULL;
}

static bool event_is_valid(const struct ktls_event *e)
{
	return e->magic == KTLS_EVENT_MAGIC && e->abi == KTLS_ABI && e->size == sizeof(*e) &&
	       e->event < KTLS_N_EVENTS &&
	       (e->direction < KTLS_N_DIRECTIONS || e->direction == KTLS_BOTH) &&
	       e->conf[KTLS_TX] < KTLS_N_CONFS && e->conf[KTLS_RX] < KTLS_N_CONFS &&
	       e->offer < KTLS_N_OFFERS && e->egress_features <= KTLS_EGRESS_ALL &&
	       e->records_known[KTLS_TX] <= 1 && e->records_known[KTLS_RX] <= 1 && e->unsent <= 1 &&
	       memchr(e->comm, '\0', sizeof(e->comm)) && memchr(e->device, '\0', sizeof(e->device));
}

int feed_decode(const void *record, size_t len, struct ktls_event *event)
{
	if (len != sizeof(*event))
		return -EPROTO;
	memcpy(event, record, sizeof(*event));
	return event_is_valid(event) ? 0 : -EPROTO;
}

int feed_read(struct feed *f, feed_fn *each, void *arg)
{
	uint64_t at = __atomic_load_n(f->consumer, __ATOMIC_RELAXED);
	uint64_t end = __atomic_load_n(f->producer, __ATOMIC_ACQUIRE);
	int r = 0;

	if (end - at > KTLS_EVENTS_BYTES || at % 8) { /* somebody wrote to our page */
		__atomic_store_n(f->consumer, end, __ATOMIC_RELEASE);
		return -EPROTO;
	}
	while (!r && at < end) {
		const uint8_t *record = f->data + (at & (KTLS_EVENTS_BYTES - 1));
		uint32_t head = __atomic_load_n((const uint32_t *)record, __ATOMIC_ACQUIRE);
		uint64_t len = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		uint64_t whole = (len + BPF_RINGBUF_HDR_SZ + 7) & ~7ULL;
		struct ktls_event event;

		if (head & BPF_RINGBUF_BUSY_BIT)
			break; /* being written: the order stays */
		if (whole > end - at) {
			at = end;
			r = -EPROTO;
		} else {
			at += whole;
			if (head & BPF_RINGBUF_DISCARD_BIT)
				;
			else if (feed_decode(record + BPF_RINGBUF_HDR_SZ, len, &event))
				f->damaged++;
			else
				r = each(&event, arg);
		}
		/* Only now may the kernel write there. */
		__atomic_store_n(f->consumer, at, __ATOMIC_RELEASE);
	}
	return r;
}
