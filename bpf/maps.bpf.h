/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps. Only root opens them, as history has addresses of sockets; no key, no payload. */
#ifndef KTLSD_BPF_MAPS_BPF_H
#define KTLSD_BPF_MAPS_BPF_H

#include "bpf/kernel.h"

#include <bpf/bpf_helpers.h>

#include "bpf/event.h"
#include "bpf/meta.h"

struct history_direction {
	__u64 records_before;
	__u64 payload;
	__u64 pending_records; /* while a setsockopt or getsockopt is under way: see there */
	__u32 rekeys;
	__u32 rekey_failures;
	__u32 errors;
	__u32 framing_errors;
	__u32 resyncs;
	__u32 soft_packets;
	__u16 device_errno;
	__u8 offer;
	__u8 offer_egress;
	__u8 keys_seen;
	__u8 had_keys;	/* when the setsockopt that is under way began */
	__u8 key_errno; /* of the last setsockopt that was to give the first key */
	__u8 pad;
};

struct history {
	__u64 context; /* address of its tls_context */
	__u64 cookie;
	__u64 since_ns;
	__u64 last_error_ns;
	__u32 installer_pid;
	__u32 payload_run; /* which run of payload accounting saw the first key, 0: none did */
	__u16 last_errno;
	__u8 pad[6];
	char installer_comm[KTLS_COMM_LEN];
	struct history_direction dir[KTLS_N_DIRECTIONS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct history);
} history SEC(".maps");

struct total {
	__u64 count;
	__u64 records;
	__u64 payload;
};

/* Never full: 15 pairs of event and outcome that have a direction, which is one of 2, with 4 confs,
 * 3 versions and 10 ciphers; those of a whole socket and of a device are a few. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct ktls_total_key);
	__type(value, struct total);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, KTLS_EVENTS_BYTES);
} events SEC(".maps");

/* Written by user space before anything is loaded, then never more. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ktls_meta);
} meta SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ktls_settings);
} settings SEC(".maps");

static __u32 read_payload_run(void)
{
	__u32 first = 0;
	const struct ktls_settings *s = bpf_map_lookup_elem(&settings, &first);

	return s && s->payload ? s->payload_run : 0;
}

static const struct ktls_meta *find_meta(void)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(&meta, &first);
}

#endif
