/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the pinned iterators: every kernel-TLS socket, now, and the totals since the programs
 * were loaded.
 *
 * Knows nothing of libbpf and needs no privilege: who may open the pin may read it. The kernel
 * starts the walk anew for each reader.
 */
#ifndef KTLSD_BPF_SNAPSHOT_H
#define KTLSD_BPF_SNAPSHOT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

/* One socket; the record is lent for the call. Anything but 0 ends the walk and is returned. */
typedef int snapshot_fn(const struct ktls_socket *socket, void *arg);

/*
 * Walks the sockets through an iterator pinned at `path` (see observe.h) and hands over each:
 *   OBSERVE_ITER_TCP    those of the caller's network namespace, as it is when the pin is opened;
 *                       no holder is told
 *   OBSERVE_ITER_TASKS  see snapshot_read_tasks()
 *
 * For OBSERVE_ITER_TCP the kernel takes the lock of every TCP socket in turn, uninterruptibly: a socket whose owner
 * holds it keeps the reader waiting (7.6 s were seen while a setsockopt loaded a crypto module;
 * 1 to 12 ms are normal). Its own thread and a deadline on it are the caller's business.
 *
 * 0, what `each` returned, or
 *   -ENOENT  nothing is pinned there
 *   -EACCES  not in the group that may read
 *   -EPROTO  records of another release, or damaged ones: what came before them was handed over
 *   -errno   of open(2) or read(2)
 */
int snapshot_read(const char *path, snapshot_fn *each, void *arg);

/*
 * Hands over the whole records in a buffer of any alignment and sets *used to their length in
 * bytes; the rest is the beginning of a record that is still to come. 0, what `each` returned
 * (the record it refused is not in *used), or -EPROTO at a record that is not one.
 */
int snapshot_decode(const void *buf, size_t len, size_t *used, snapshot_fn *each, void *arg);

/*
 * Likewise, through OBSERVE_ITER_TASKS: what processes of the caller's PID namespace have open, once
 * a process and descriptor. Sockets of other network namespaces than the caller's come in full, with
 * the holder, and without the lock of the socket, so one that changes meanwhile may be half told; of
 * those of its own only the holder is told. Processes come in the order of their numbers.
 */
typedef int snapshot_holder_fn(const struct ktls_holder *holder, void *arg);
int snapshot_read_tasks(const char *path, snapshot_fn *each, snapshot_holder_fn *holder, void *arg);
int snapshot_decode_tasks(const void *buf, size_t len, size_t *used, snapshot_fn *each,
			  snapshot_holder_fn *holder, void *arg);

/* The totals, one of each key; the record is lent for the call. Likewise, through
 * OBSERVE_ITER_TOTALS, which waits for nothing. */
typedef int snapshot_total_fn(const struct ktls_total *total, void *arg);
int snapshot_read_totals(const char *path, snapshot_total_fn *each, void *arg);
int snapshot_decode_totals(const void *buf, size_t len, size_t *used, snapshot_total_fn *each,
			   void *arg);

/*
 * Records of all types that the kernel carried in this direction, under all of its keys. False,
 * with *records untouched, where it is not known: no key, or a cipher newer than the program.
 *
 * Where dir->keys_seen is 0 it can be too few: keys that were replaced (6.14 and later) or read
 * back (getsockopt(TLS_TX) and (TLS_RX) write the current number over the initial one) before the
 * probes were there took their count with them.
 */
bool snapshot_count_records(const struct ktls_direction *dir, uint64_t *records);

#endif
