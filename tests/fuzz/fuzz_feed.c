/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes in the ring buffer, at any place of it: the reader keeps inside, ends, and hands over
 * only what has passed the checks that its users rely on. The input is two octets for the place,
 * then the records.
 */
#include "bpf/feed.c"

#include <stdlib.h>

static int check(const struct ktls_event *e, void *arg)
{
	(void)arg;
	if (e->magic != KTLS_EVENT_MAGIC || e->event >= KTLS_N_EVENTS ||
	    e->conf[KTLS_TX] >= KTLS_N_CONFS || e->offer >= KTLS_N_OFFERS ||
	    strnlen(e->comm, sizeof(e->comm)) == sizeof(e->comm))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t ring[2 * KTLS_EVENTS_BYTES] __attribute__((aligned(8)));
	uint64_t consumer, producer;
	struct feed feed = { .fd = -1, .consumer = &consumer, .producer = &producer, .data = ring };
	size_t at;

	if (len < 2)
		return 0;
	/* Near the end, so that records go over it. */
	at = KTLS_EVENTS_BYTES - (size_t)(data[0] << 8 | data[1]);
	data += 2;
	len = MIN_OF(len - 2, (size_t)KTLS_EVENTS_BYTES);
	memset(ring + at, 0, 1 << 16);
	memcpy(ring + at, data, len);
	consumer = at & ~7ULL;
	producer = consumer + len;
	for (int i = 0; i < 1000 && consumer < producer; i++)
		if (feed_read(&feed, check, NULL))
			break;
	if (consumer > producer)
		abort();
	return 0;
}
