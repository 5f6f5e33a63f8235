/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether this process has a capability; for who must say which one is missing. */
#ifndef KTLSD_BASE_CAPABILITY_H
#define KTLSD_BASE_CAPABILITY_H

#include <linux/capability.h>
#include <stdbool.h>

/* CAP_*, in the effective set. */
bool capability_is_effective(unsigned capability);

/* What to add to the text of a failure, which the kernel only calls EPERM: the capability, by name,
 * or nothing if it is there. */
#define CAPABILITY_LACK(capability) (capability_is_effective(capability) ? "" : ": no " #capability)

#endif
