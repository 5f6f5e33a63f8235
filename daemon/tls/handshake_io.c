/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wolfSSL's callbacks for receiving and sending. */
#include <wolfssl/options.h>

#include "tls/handshake_io.h"

#include <errno.h>
#include <sys/socket.h>

#include <wolfssl/ssl.h>

#include "tls/hello.h"
#include "tls/ktls.h"
#include "tls/window.h"

_Static_assert((int)WINDOW_LEN >= (int)HELLO_PEEK_MAX, "a ClientHello is judged by one look");

/*
 * wolfSSL asks for the header of a record and then for its body. It gets them from a look at the
 * queue, which holds for one run, so a thread needs no more than one.
 */
static _Thread_local struct {
	const struct handshake_io *of; /* NULL: nobody's */
	struct window window;
} ahead;

/* What comes later is reported; but not that the end is there already. */
static bool is_all(const struct handshake_io *io)
{
	return ahead.window.len < WINDOW_LEN && !io->may_hide;
}

static ssize_t look_again(struct handshake_io *io)
{
	ssize_t n = window_settle(&ahead.window, io->fd);

	if (n < 0)
		return n;
	if (io->is_drained)
		return -EAGAIN;
	n = window_look(&ahead.window, io->fd);
	io->is_drained = n > 0 && is_all(io);
	return n;
}

static int io_recv(WOLFSSL *ssl, char *buf, int len, void *ctx)
{
	struct handshake_io *io = ctx;
	size_t taken = window_take(&ahead.window, buf, (size_t)len);
	ssize_t n = 0;

	(void)ssl;
	if (!taken) {
		n = look_again(io);
		taken = window_take(&ahead.window, buf, (size_t)len);
	}
	if (taken) {
		io->may_wait = io->is_keyed;
		wire_track(&io->rx, (const uint8_t *)buf, taken);
		return (int)taken;
	}
	if (n == -EAGAIN)
		return WOLFSSL_CBIO_ERR_WANT_READ;
	io->err = (int)-n;
	return n ? WOLFSSL_CBIO_ERR_CONN_RST : WOLFSSL_CBIO_ERR_CONN_CLOSE;
}

/*
 * A client is not in need of its TLS 1.3 session ticket, so that waits to go out with the first
 * bytes of data, at most some 200 ms by the kernel's own timer: nobody is woken for it alone.
 */
static int io_send(WOLFSSL *ssl, char *buf, int len, void *ctx)
{
	struct handshake_io *io = ctx;
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (io->may_wait ? MSG_MORE : 0);
	ssize_t n;

	(void)ssl;
	do
		n = send(io->fd, buf, (size_t)len, flags);
	while (n < 0 && errno == EINTR);
	if (n >= 0) {
		wire_track(&io->tx, (const uint8_t *)buf, (size_t)n);
		return (int)n;
	}
	io->is_full = errno == EAGAIN;
	if (io->is_full)
		return WOLFSSL_CBIO_ERR_WANT_WRITE;
	io->err = errno;
	return WOLFSSL_CBIO_ERR_CONN_RST;
}

void handshake_io_push(struct handshake_io *io)
{
	if (io->may_wait)
		ktls_push(io->fd);
}

void handshake_io_hook(struct WOLFSSL_CTX *ctx)
{
	wolfSSL_CTX_SetIORecv(ctx, io_recv);
	wolfSSL_CTX_SetIOSend(ctx, io_send);
}

void handshake_io_attach(struct handshake_io *io, struct WOLFSSL *ssl)
{
	wolfSSL_SetIOReadCtx(ssl, io);
	wolfSSL_SetIOWriteCtx(ssl, io);
}

ssize_t handshake_io_look(int fd, const uint8_t **p)
{
	ahead.of = NULL;
	*p = ahead.window.data;
	return window_look(&ahead.window, fd);
}

void handshake_io_claim(const struct handshake_io *io)
{
	ahead.of = io;
}

void handshake_io_begin(struct handshake_io *io, bool may_hide)
{
	io->may_hide = may_hide;
	io->is_full = false;
	if (ahead.of != io)
		ahead.window.len = ahead.window.taken = 0;
	io->is_drained = ahead.window.len && is_all(io);
	ahead.of = io;
}

/* What was taken leaves the queue. If that fails now, whoever is next at the socket is told. */
void handshake_io_end(struct handshake_io *io)
{
	(void)window_settle(&ahead.window, io->fd);
	ahead.of = NULL;
}
