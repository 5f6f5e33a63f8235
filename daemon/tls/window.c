/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peeks, gives, and receives for good. */
#include "tls/window.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"

static ssize_t receive(int fd, void *buf, size_t len, int flags)
{
	ssize_t n;

	do
		n = recv(fd, buf, len, flags | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t window_look(struct window *w, int fd)
{
	ssize_t n = receive(fd, w->data, sizeof(w->data), MSG_PEEK);

	w->taken = 0;
	w->len = n > 0 ? (size_t)n : 0;
	return n;
}

size_t window_take(struct window *w, void *buf, size_t len)
{
	size_t n = MIN_OF(len, w->len - w->taken);

	memcpy(buf, w->data + w->taken, n);
	w->taken += n;
	return n;
}

/* The bytes are there, as they were seen: only a broken connection can take them away. */
int window_settle(struct window *w, int fd)
{
	ssize_t n = 0;

	while (w->taken) {
		n = receive(fd, w->data, w->taken, 0);
		if (n <= 0)
			break;
		w->taken -= (size_t)n;
	}
	w->len = w->taken = 0;
	return n < 0 ? (int)n : 0;
}
