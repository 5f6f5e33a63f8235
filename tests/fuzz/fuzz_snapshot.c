/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes in place of the kernel's records: whatever is handed over has passed the checks that
 * its users rely on, and the length used is whole records. The first octet says whether the
 * heads are made good, so that what lies behind them is reached.
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

static void make_heads(uint8_t *buf, size_t len)
{
	static const struct ktls_socket head = { .magic = KTLS_SOCKET_MAGIC,
						 .abi = KTLS_ABI,
						 .size = sizeof(head) };

	for (; len >= sizeof(head); buf += sizeof(head), len -= sizeof(head))
		memcpy(buf, &head, offsetof(struct ktls_socket, cookie));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_free_ uint8_t *buf = NULL;
	unsigned int n = 0;
	size_t used;
	int r;

	if (!len)
		return 0;
	buf = malloc(--len); /* of the very size: an overrun is seen */
	if (!buf)
		return 0;
	memcpy(buf, data + 1, len);
	if (data[0] & 1)
		make_heads(buf, len);
	r = snapshot_decode(buf, len, &used, check, &n);
	if (used != n * sizeof(struct ktls_socket) || used > len || (r && r != -EPROTO) ||
	    (!r && len - used >= sizeof(struct ktls_socket)))
		abort();
	return 0;
}
