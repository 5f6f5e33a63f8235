/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages with descriptors over a seqpacket socket. */
#include "host/ipc.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"

union control {
	char buf[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

int ipc_pair(int fds[static 2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) ? -errno : 0;
}

int ipc_send(int fd, const struct ipc_message *m, const int *fds, unsigned n)
{
	union control control = { 0 };
	struct iovec iov = { .iov_base = (void *)m, .iov_len = sizeof(*m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n > IPC_FDS_MAX)
		return -E2BIG;
	if (n) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		assert(cmsg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void take_fds(struct msghdr *msg, int fds[static IPC_FDS_MAX], unsigned *n)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		unsigned got = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		    *n + got > IPC_FDS_MAX)
			continue;
		memcpy(fds + *n, CMSG_DATA(c), got * sizeof(int));
		*n += got;
	}
}

static bool is_sound(const struct ipc_message *m, ssize_t len, const struct msghdr *msg)
{
	return len == sizeof(*m) && !(msg->msg_flags & (MSG_CTRUNC | MSG_TRUNC)) &&
	       m->type >= IPC_CONFIG && m->type <= IPC_OBSERVE &&
	       memchr(m->text, '\0', sizeof(m->text));
}

int ipc_recv(int fd, struct ipc_message *m, int fds[static IPC_FDS_MAX], unsigned *n)
{
	union control control;
	struct iovec iov = { .iov_base = m, .iov_len = sizeof(*m) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	ssize_t len;

	*n = 0;
	do
		len = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return errno == ECONNRESET ? -ENOTCONN : -errno;
	if (!len)
		return -ENOTCONN;
	take_fds(&msg, fds, n);
	if (is_sound(m, len, &msg))
		return 0;
	for (unsigned i = 0; i < *n; i++)
		close(fds[i]);
	*n = 0;
	/* there is room for all that may come: what was cut off found no descriptor */
	return msg.msg_flags & MSG_CTRUNC ? -EMFILE : -EPROTO;
}
