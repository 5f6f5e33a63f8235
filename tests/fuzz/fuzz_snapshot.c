/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes in place of the kernel's records: whatever is handed over has passed the checks that
 * its users rely on, and the length used is whole records. The first octet says whether the
 * heads are made good, so that what lies behind them is reached, and whether they are totals.
 */
#include "bpf/snapshot.c"

#include <stdlib.h>

static int check(const struct ktls_socket *s, void *arg)
{
	unsigned int *n = arg;

	if (s->magic != KTLS_SOCKET_MAGIC || s->size != sizeof(*s) ||
	    s->dir[KTLS_TX].conf >= KTLS_N_CONFS || s->dir[KTLS_RX].conf >= KTLS_N_CONFS ||
	    strnlen(s->device, sizeof(s->device)) == sizeof(s->device))
		abort();
	++*n;
	return 0;
}

static int check_total(const struct ktls_total *t, void *arg)
{
	unsigned int *n = arg;

	if (t->magic != KTLS_TOTAL_MAGIC || t->key.event >= KTLS_N_EVENTS + KTLS_N_OBSERVER ||
	    t->key.conf >= KTLS_N_CONFS)
		abort();
	++*n;
	return 0;
}

static void make_heads(uint8_t *buf, size_t len, uint32_t magic, uint16_t size)
{
	const struct ktls_socket head = { .magic = magic, .abi = KTLS_ABI, .size = size };

	for (; len >= size; buf += size, len -= size)
		memcpy(buf, &head, offsetof(struct ktls_socket, cookie));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_free_ uint8_t *buf = NULL;
	unsigned int n = 0;
	size_t used, size;
	bool totals;
	int r;

	if (!len)
		return 0;
	buf = malloc(--len); /* of the very size: an overrun is seen */
	if (!buf)
		return 0;
	memcpy(buf, data + 1, len);
	totals = data[0] & 2;
	size = totals ? sizeof(struct ktls_total) : sizeof(struct ktls_socket);
	if (data[0] & 1)
		make_heads(buf, len, totals ? KTLS_TOTAL_MAGIC : KTLS_SOCKET_MAGIC, (uint16_t)size);
	r = totals ? snapshot_decode_totals(buf, len, &used, check_total, &n) :
		     snapshot_decode(buf, len, &used, check, &n);
	if (used != n * size || used > len || (r && r != -EPROTO) || (!r && len - used >= size))
		abort();
	return 0;
}
