/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server process: everything that touches the network, without a privilege. */
#ifndef KTLSD_HOST_SERVER_H
#define KTLSD_HOST_SERVER_H

/* Runs until the monitor goes or SIGTERM. `fd`: the socket to the monitor. An exit status. */
int server_run(int fd);

#endif
