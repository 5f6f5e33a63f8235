/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fills, pins and opens them. */
#include "bpf/maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/types.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "bpf/event.h"
#include "bpf/meta.h"
#include "bpf/pins.h"
#include "bpf/programs.h"
#include "bpf/status.h"
#include "bpf/target.h"

int maps_open(const char *dir, const char *name)
{
	char path[PATH_MAX], pin[NAME_MAX];
	int fd;

	snprintf(pin, sizeof(pin), PROGRAM_MAP_PREFIX "%s", name);
	if (!pins_path(path, dir, pin))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

int maps_read(const char *dir, const char *name, void *value, uint32_t size)
{
	_cleanup_fd_ int fd = maps_open(dir, name);
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info), first = 0;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != size)
		return -EPROTO;
	return bpf_map_lookup_elem(fd, &first, value) ? -errno : 0;
}

static struct ktls_meta describe_build(void)
{
	return (struct ktls_meta){
		.magic = KTLS_META_MAGIC,
		.abi = KTLS_ABI,
		.socket_size = sizeof(struct ktls_socket),
		.event_size = sizeof(struct ktls_event),
		.total_size = sizeof(struct ktls_total),
		.build = programs_build(),
	};
}

const char *maps_compare(const struct ktls_meta *theirs)
{
	struct ktls_meta ours = describe_build();

	if (theirs->magic != ours.magic || theirs->abi != ours.abi ||
	    theirs->socket_size != ours.socket_size || theirs->event_size != ours.event_size ||
	    theirs->total_size != ours.total_size)
		return "of another release";
	return theirs->build == ours.build ? NULL : "of another build";
}

/* The rows in which the programs count what they cannot count elsewhere. */
static int add_observer_rows(struct bpf_object *object)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, "totals");
	const uint64_t value[3] = { 0 };
	int r = 0;

	for (unsigned int i = 0; i < KTLS_N_OBSERVER && !r; i++) {
		struct ktls_total_key key = { .event = (uint8_t)(KTLS_N_EVENTS + i),
					      .direction = KTLS_BOTH };

		r = bpf_map__update_elem(map, &key, sizeof(key), value, sizeof(value), BPF_ANY);
	}
	return r;
}

int maps_fill(struct bpf_object *object, struct ktls_meta *meta)
{
	_cleanup_target_ struct target target = { 0 };
	int map = bpf_object__find_map_fd_by_name(object, "meta");
	struct timespec now;
	uint32_t first = 0;
	int r = target_open(&target);

	if (r)
		return r;
	clock_gettime(CLOCK_BOOTTIME, &now);
	*meta = describe_build();
	meta->since_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	meta->tx_feature = target_feature(&target, "NETIF_F_HW_TLS_TX_BIT");
	meta->rx_feature = target_feature(&target, "NETIF_F_HW_TLS_RX_BIT");
	if (bpf_map_update_elem(map, &first, meta, BPF_ANY) || bpf_map_freeze(map))
		return -errno;
	return add_observer_rows(object);
}

int maps_pin(struct bpf_object *object, const char *dir, struct observe_status *status)
{
	char path[PATH_MAX], pin[NAME_MAX];

	for (unsigned int i = 0; i < n_program_maps; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, program_maps[i]);
		int r = -ENAMETOOLONG;

		snprintf(pin, sizeof(pin), PROGRAM_MAP_PREFIX "%s", program_maps[i]);
		if (pins_path(path, dir, pin))
			r = bpf_map__pin(map, path);
		if (r)
			return status_end(status, OBSERVE_STEP_PIN, r, "pin: %s: %s", path,
					  strerror(-r));
	}
	return 0;
}

int maps_write_settings(const char *dir, const struct ktls_settings *settings)
{
	_cleanup_fd_ int fd = maps_open(dir, "settings");
	uint32_t first = 0;

	if (fd < 0)
		return fd;
	return bpf_map_update_elem(fd, &first, settings, BPF_ANY) ? -errno : 0;
}
