/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes channel_import(): what is refused leaves nothing behind, and what is taken says the same
 * bytes again, can be used at once, and ends clean.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls/channel.h"

static void require(int condition)
{
	if (!condition)
		abort();
}

/* Reads and writes in whatever mode; the socket has no TLS, so the kernel's layer just fails. */
static void use(struct channel *ch, int peer_fd)
{
	uint8_t buf[1000];

	require(send(peer_fd, "\x17\3\3\0\x20 some bytes that are no record", 30, 0) == 30);
	for (int i = 0; i < 40; i++) {
		struct channel_event e = channel_recv(ch, buf, sizeof(buf));

		require(e.len <= sizeof(buf));
		if (e.result != CHANNEL_DATA && e.result != CHANNEL_CONTROL)
			break;
	}
	channel_send(ch, RECORD_DATA, buf, sizeof(buf));
	channel_flush(ch);
	for (int d = 0; d < N_DIRECTIONS; d++)
		if (ch->side[d].mode == MODE_USER)
			channel_rekey(ch, (enum direction)d);
	channel_send(ch, RECORD_ALERT, "\1", 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[CHANNEL_EXPORT_MAX];
	struct channel ch;
	struct pool pool;
	int fd[2];

	pool_init(&pool, 2);
	if (channel_import(&ch, -1, &pool, data, size)) {
		require(!pool.n_out);
		pool_fini(&pool);
		return 0;
	}
	require(size <= sizeof(again));
	require(channel_export(&ch, again, sizeof(again)) == (ssize_t)size);
	require(!memcmp(again, data, size));
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
	ch.fd = fd[0];
	use(&ch, fd[1]);
	channel_fini(&ch);
	require(!pool.n_out);
	pool_fini(&pool);
	close(fd[0]);
	close(fd[1]);
	return 0;
}
