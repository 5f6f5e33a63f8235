/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes in place of the kernel's records: whatever is handed over has passed the checks that
 * its users rely on, and the length used is whole records. The first octet says whether the
 * heads are made good, so that what lies behind them is reached, and what they are: sockets, totals,
 * or holders with sockets among them.
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

static int check_holder(const struct ktls_holder *h, void *arg)
{
	unsigned int *n = arg;

	if (h->magic != KTLS_HOLDER_MAGIC || h->size != sizeof(*h) ||
	    strnlen(h->comm, sizeof(h->comm)) == sizeof(h->comm))
		abort();
	++*n;
	return 0;
}

static int decode_sockets(const uint8_t *buf, size_t len, size_t *used, unsigned int *n)
{
	int r = snapshot_decode(buf, len, used, check, n);

	return *used == *n * sizeof(struct ktls_socket) ? r : -EINVAL;
}

static int decode_totals(const uint8_t *buf, size_t len, size_t *used, unsigned int *n)
{
	int r = snapshot_decode_totals(buf, len, used, check_total, n);

	return *used == *n * sizeof(struct ktls_total) ? r : -EINVAL;
}

static int decode_tasks(const uint8_t *buf, size_t len, size_t *used, unsigned int *n)
{
	return snapshot_decode_tasks(buf, len, used, check, check_holder, n);
}

static const struct kind {
	uint32_t magic;
	size_t size; /* the least of a record */
	int (*decode)(const uint8_t *buf, size_t len, size_t *used, unsigned int *n);
} kinds[] = {
	{ KTLS_SOCKET_MAGIC, sizeof(struct ktls_socket), decode_sockets },
	{ KTLS_TOTAL_MAGIC, sizeof(struct ktls_total), decode_totals },
	{ KTLS_HOLDER_MAGIC, sizeof(struct ktls_holder), decode_tasks },
};

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
	const struct kind *kind;
	unsigned int n = 0;
	size_t used;
	int r;

	if (!len)
		return 0;
	buf = malloc(--len); /* of the very size: an overrun is seen */
	if (!buf)
		return 0;
	memcpy(buf, data + 1, len);
	kind = &kinds[(data[0] >> 1) % 3];
	if (data[0] & 1)
		make_heads(buf, len, kind->magic, (uint16_t)kind->size);
	r = kind->decode(buf, len, &used, &n);
	if (used > len || (r && r != -EPROTO) || (!r && len - used >= sizeof(struct ktls_socket)) ||
	    used < n * kind->size)
		abort();
	return 0;
}
