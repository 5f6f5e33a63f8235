// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Before the kernel offers a sender's keys to a device it allocates a software cipher for the packets
 * that the device will not encrypt. This makes that fail, as it does when memory is short.
 */
#include "crypto.h"

#include <linux/errno.h>
#include <linux/kprobes.h>

#include "tlsnic.h"

/* Runs in place of tls_sw_fallback_init(), which then has allocated nothing. */
static int fail(void)
{
	int error = (int)FAULT(crypto_error);

	return error ? -error : -ENOMEM; /* the fault was taken away meanwhile */
}

static int enter(struct kprobe *probe, struct pt_regs *regs)
{
	if (!FAULT(crypto_error))
		return 0;
	instruction_pointer_set(regs, (unsigned long)fail);
	return 1;
}

static struct kprobe probe = {
	.symbol_name = "tls_sw_fallback_init",
	.pre_handler = enter,
};

int crypto_init(void)
{
	return register_kprobe(&probe);
}

void crypto_exit(void)
{
	unregister_kprobe(&probe);
}
