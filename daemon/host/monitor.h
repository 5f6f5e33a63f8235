/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor process: privileged, small, reads files and no byte from the network. Owns the
 * listening sockets, loads the kernel programs, starts the server and starts it again.
 */
#ifndef KTLSD_HOST_MONITOR_H
#define KTLSD_HOST_MONITOR_H

/* Runs until SIGTERM or SIGINT. An exit status. */
int monitor_run(const char *config_path);

#endif
