/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the kernel itself: what it takes is one call. */
#include "base/capability.h"

#include <sys/syscall.h>
#include <unistd.h>

bool capability_is_effective(unsigned capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, sets))
		return false;
	return sets[capability / 32].effective & 1U << capability % 32;
}
