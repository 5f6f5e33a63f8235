/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the server process gives up what it does not need. libcap-ng and libseccomp live here. */
#ifndef KTLSD_HOST_SANDBOX_H
#define KTLSD_HOST_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

/*
 * Becomes that user and group (UINT32_MAX: stays who it is), drops every capability and
 * supplementary group, sets no_new_privs. For good. 0 or -errno, maybe with the capability that is
 * missing in `error`.
 */
int sandbox_drop(uint32_t uid, uint32_t gid, char *error, size_t error_len);

/*
 * Restricts system calls of this thread and those it will start to what a server of connections
 * needs; anything else fails with EPERM. 0 or -errno.
 */
int sandbox_seccomp(void);

#endif
