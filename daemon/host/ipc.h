/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What monitor and server say to each other over a SOCK_SEQPACKET pair: a closed list of small
 * messages with descriptors. Both ends are ours, and still neither trusts the other's lengths.
 */
#ifndef KTLSD_HOST_IPC_H
#define KTLSD_HOST_IPC_H

#include <stdint.h>

enum ipc_type {
	/* monitor to server */
	IPC_CONFIG =
		1,    /* fds: packed configuration, then at the start the API's listening socket */
	IPC_METRICS,  /* fds: the exporter's listening socket, or none: it listens nowhere */
	IPC_LISTEN,   /* index: listener; fds: its sockets, one a worker, in pieces */
	IPC_COMMIT,   /* everything was sent: take it */
	IPC_REFUSED,  /* a reload was refused by the monitor itself */
	IPC_RELOADED, /* answer to IPC_RELOAD; text: "" or why not */
	/* fds: packed struct programs_state, then, if programs are loaded, their ring buffer */
	IPC_PROGRAMS,
	IPC_OBSERVED, /* answer to IPC_OBSERVE; text: "" or why not */
	/* server to monitor */
	IPC_OK,	     /* committed and serving */
	IPC_FAILED,  /* not committed, the former goes on; text: why */
	IPC_RELOAD,  /* a client of the API asks for a reload */
	IPC_OBSERVE, /* one wants programs to be changed; index: enum programs_wish */
};

enum { IPC_TEXT_MAX = 512, IPC_FDS_MAX = 128 };

struct ipc_message {
	uint32_t type;	   /* enum ipc_type */
	uint32_t index;	   /* IPC_LISTEN, IPC_OBSERVE */
	uint32_t uid, gid; /* IPC_CONFIG: whom the server becomes; UINT32_MAX: stays who it is */
	char text[IPC_TEXT_MAX];
};

/* Both ends, close-on-exec. 0 or -errno. */
int ipc_pair(int fds[static 2]);

/* Sends a message and n descriptors, which stay the caller's. 0 or -errno. */
int ipc_send(int fd, const struct ipc_message *m, const int *fds, unsigned n);

/*
 * Receives one; descriptors are the caller's. 0; -ENOTCONN when the other end has gone; -EAGAIN
 * on a non-blocking socket; -EPROTO for what is no message (its descriptors are closed), -EMFILE if it
 * found no room for them.
 */
int ipc_recv(int fd, struct ipc_message *m, int fds[static IPC_FDS_MAX], unsigned *n);

#endif
