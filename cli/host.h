/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of this host can be seen without ktlsd: its kernel, module, devices and processes. */
#ifndef KTLSD_CLI_HOST_H
#define KTLSD_CLI_HOST_H

#include <stdint.h>

struct json;

/*
 * An object that a recording can hold; what could not be looked at is absent:
 *	kernel		release
 *	module		"loaded", "available" (modprobe would find it) or "missing"
 *	handshake	whether the kernel has the generic netlink family
 *	devices		[]{ name, up, tx, rx }, of tx and rx { supported, wanted, active }
 *	devices_error	why there are none
 *	process		{ pid, comm, descendants } of `pid`, if that is not 0 and lives; of each descendant
 *			{ pid, parent }
 * The caller's; NULL when memory is short.
 */
struct json *host_look(int64_t pid);

#endif
