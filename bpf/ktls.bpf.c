/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Kernel programs: what the kernel itself knows of every TLS socket, and what happens to them.
 *
 * The state is read when somebody asks; only what is rare is probed; nothing costs anything per
 * record unless payload is accounted. One object for all kernels from 6.1 on; what a kernel may
 * lack is asked for with bpf_core_field_exists() and reported as KTLS_UNKNOWN, and each program
 * is loaded only where its target exists (see observe.h).
 */
#include "bpf/kernel.h"

#include <bpf/bpf_helpers.h>

#include "bpf/iterators.bpf.h"
#include "bpf/payload.bpf.h"
#include "bpf/probe_device.bpf.h"
#include "bpf/probe_end.bpf.h"
#include "bpf/probe_keys.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
