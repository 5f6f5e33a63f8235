/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of this kernel the programs need: the functions they attach to, the device features they
 * look at, and what is missing when it refuses them. */
#ifndef KTLSD_BPF_TARGET_H
#define KTLSD_BPF_TARGET_H

#include <stdbool.h>
#include <stdint.h>

struct btf;

/* The kernel's and the tls module's types; NULL: not there. */
struct target {
	struct btf *kernel, *tls;
};

/* 0, also where there is no tls module, or -errno. */
int target_open(struct target *t);
void target_close(struct target *t);
#define _cleanup_target_ __attribute__((cleanup(target_close)))

/* Whether there is what a section such as "fentry/tls_setsockopt" names. */
bool target_has(const struct target *t, const char *section);

/* The bit of a NETIF_F_*_BIT, 0 when the kernel has none of that name. */
uint64_t target_feature(const struct target *t, const char *name);

/* The kernel only says EPERM or EINVAL: the likely cause, as a phrase. */
const char *target_explain(int error);

#endif
