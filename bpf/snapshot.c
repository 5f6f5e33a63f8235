/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads and checks the records of the pinned iterators; must not know who loads it, or how. */
#include "bpf/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"

/* The kernel gathers 32 KiB at a time; more than this saves few calls. */
enum { RECORDS_PER_READ = 64 };

static bool flag_is_valid(uint8_t flag)
{
	return flag <= 1 || flag == KTLS_UNKNOWN;
}

static bool text_is_valid(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

static bool direction_is_valid(const struct ktls_direction *dir)
{
	return dir->conf < KTLS_N_CONFS && dir->offer < KTLS_N_OFFERS &&
	       dir->offer_egress <= KTLS_EGRESS_ALL && dir->seq_initial_known <= 1 &&
	       dir->keys_seen <= 1;
}

static bool socket_is_valid(const struct ktls_socket *s)
{
	return s->magic == KTLS_SOCKET_MAGIC && s->abi == KTLS_ABI && s->size == sizeof(*s) &&
	       direction_is_valid(&s->dir[KTLS_TX]) && direction_is_valid(&s->dir[KTLS_RX]) &&
	       (s->family == AF_INET || s->family == AF_INET6) &&
	       !(s->flags & ~(uint32_t)KTLS_SOCKET_ALL_FLAGS) &&
	       !(s->egress_features & ~KTLS_EGRESS_ALL) && flag_is_valid(s->tx_zero_copy) &&
	       flag_is_valid(s->rx_no_pad) && flag_is_valid(s->rx_zero_copy) &&
	       flag_is_valid(s->key_update_pending) &&
	       text_is_valid(s->device, sizeof(s->device)) &&
	       text_is_valid(s->egress, sizeof(s->egress)) &&
	       text_is_valid(s->installer_comm, sizeof(s->installer_comm)) &&
	       text_is_valid(s->holder_comm, sizeof(s->holder_comm));
}

static bool holder_is_valid(const struct ktls_holder *h)
{
	return h->abi == KTLS_ABI && h->size == sizeof(*h) &&
	       text_is_valid(h->comm, sizeof(h->comm));
}

static bool total_is_valid(const struct ktls_total *t)
{
	return t->magic == KTLS_TOTAL_MAGIC && t->abi == KTLS_ABI && t->size == sizeof(*t) &&
	       t->key.event < KTLS_N_EVENTS + KTLS_N_OBSERVER && t->key.conf < KTLS_N_CONFS &&
	       (t->key.direction < KTLS_N_DIRECTIONS || t->key.direction == KTLS_BOTH) &&
	       t->key.ok <= 1;
}

static int give_socket(const uint8_t *from, snapshot_fn *each, void *arg)
{
	struct ktls_socket socket;

	memcpy(&socket, from, sizeof(socket));
	return socket_is_valid(&socket) ? each(&socket, arg) : -EPROTO;
}

int snapshot_decode(const void *buf, size_t len, size_t *used, snapshot_fn *each, void *arg)
{
	const uint8_t *next = buf;
	int r;

	for (*used = 0; len - *used >= sizeof(struct ktls_socket);
	     *used += sizeof(struct ktls_socket)) {
		r = give_socket(next + *used, each, arg);
		if (r)
			return r;
	}
	return 0;
}

int snapshot_decode_tasks(const void *buf, size_t len, size_t *used, snapshot_fn *each,
			  snapshot_holder_fn *holder, void *arg)
{
	const uint8_t *next = buf;
	struct ktls_holder h;
	size_t size;
	int r;

	for (*used = 0; len - *used >= sizeof(h); *used += size) {
		memcpy(&h, next + *used, sizeof(h));
		size = h.magic == KTLS_HOLDER_MAGIC ? sizeof(h) : sizeof(struct ktls_socket);
		if (len - *used < size)
			return 0;
		if (size != sizeof(h))
			r = give_socket(next + *used, each, arg);
		else
			r = holder_is_valid(&h) ? holder(&h, arg) : -EPROTO;
		if (r)
			return r;
	}
	return 0;
}

int snapshot_decode_totals(const void *buf, size_t len, size_t *used, snapshot_total_fn *each,
			   void *arg)
{
	const uint8_t *next = buf;
	struct ktls_total total;
	int r;

	for (*used = 0; len - *used >= sizeof(total); *used += sizeof(total)) {
		memcpy(&total, next + *used, sizeof(total));
		if (!total_is_valid(&total))
			return -EPROTO;
		r = each(&total, arg);
		if (r)
			return r;
	}
	return 0;
}

/* What a pin holds: sockets, with holders or without, or totals. */
struct reader {
	snapshot_fn *socket;
	snapshot_holder_fn *holder;
	snapshot_total_fn *total;
	void *arg;
};

static int decode(const struct reader *r, const void *buf, size_t len, size_t *used)
{
	if (r->holder)
		return snapshot_decode_tasks(buf, len, used, r->socket, r->holder, r->arg);
	return r->socket ? snapshot_decode(buf, len, used, r->socket, r->arg) :
			   snapshot_decode_totals(buf, len, used, r->total, r->arg);
}

static int read_pin(const char *path, const struct reader *reader)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t buf[RECORDS_PER_READ * sizeof(struct ktls_socket)];
	size_t have = 0, used;
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	for (;;) {
		n = read(fd, buf + have, sizeof(buf) - have);
		/* EAGAIN: a million sockets without TLS in a row; the walk goes on from there. */
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return have ? -EPROTO : 0;
		have += (size_t)n;
		r = decode(reader, buf, have, &used);
		if (r)
			return r;
		have -= used;
		memmove(buf, buf + used, have);
	}
}

int snapshot_read(const char *path, snapshot_fn *each, void *arg)
{
	return read_pin(path, &(struct reader){ .socket = each, .arg = arg });
}

int snapshot_read_tasks(const char *path, snapshot_fn *each, snapshot_holder_fn *holder, void *arg)
{
	return read_pin(path, &(struct reader){ .socket = each, .holder = holder, .arg = arg });
}

int snapshot_read_totals(const char *path, snapshot_total_fn *each, void *arg)
{
	return read_pin(path, &(struct reader){ .total = each, .arg = arg });
}

bool snapshot_count_records(const struct ktls_direction *dir, uint64_t *records)
{
	if (dir->conf == KTLS_CONF_BASE || !dir->seq_initial_known)
		return false;
	*records = dir->records_before + dir->seq - dir->seq_initial;
	return true;
}
