/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decides what is adopted, loaded, attached and pinned, and tells what came of it; must not know
 * who reads it. */
#include "bpf/observe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/util.h"
#include "bpf/event.h"
#include "bpf/meta.h"
#include "bpf/pins.h"
#include "bpf/programs.h"
#include "bpf/status.h"
#include "bpf/target.h"

/* What became of each program in this call. */
struct verdict {
	int error; /* errno */
	char text[sizeof(((struct observe_program *)0)->text)];
};

struct verdicts {
	struct verdict of[OBSERVE_MAX_PROGRAMS];
	unsigned int pruned;
};

static void object_cleanup(struct bpf_object **object)
{
	programs_unload(object);
}

#define _cleanup_object_ __attribute__((cleanup(object_cleanup)))
#define _cleanup_target_ __attribute__((cleanup(target_close)))

bool observe_tls_is_loaded(void)
{
	return !access("/proc/net/tls_stat", F_OK);
}

/* ---- what is pinned ---- */

static int open_map(const char *dir, const char *name)
{
	char path[PATH_MAX], pin[NAME_MAX];
	int fd;

	snprintf(pin, sizeof(pin), PROGRAM_MAP_PREFIX "%s", name);
	if (!pins_path(path, dir, pin))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

/* The one element of a map whose values have that size. */
static int read_map(const char *dir, const char *name, void *value, uint32_t size)
{
	_cleanup_fd_ int fd = open_map(dir, name);
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

static const char *compare_meta(const struct ktls_meta *theirs)
{
	struct ktls_meta ours = describe_build();

	if (theirs->magic != ours.magic || theirs->abi != ours.abi ||
	    theirs->socket_size != ours.socket_size || theirs->event_size != ours.event_size ||
	    theirs->total_size != ours.total_size)
		return "of another release";
	return theirs->build == ours.build ? NULL : "of another build";
}

/* Why what is pinned is not ours to take over; NULL: it is, and *meta says what it is. */
static const char *refuse_pins(const char *dir, int dir_fd, struct ktls_meta *meta)
{
	char pin[NAME_MAX];

	for (unsigned int i = 0; i < n_program_maps; i++) {
		snprintf(pin, sizeof(pin), PROGRAM_MAP_PREFIX "%s", program_maps[i]);
		if (!pins_is_private(dir_fd, pin))
			return "incomplete, or not root's alone";
	}
	for (unsigned int i = 0; i < n_programs; i++) {
		program_pin(&programs[i], pin);
		if (programs[i].kind == PROGRAM_ITER && !pins_is_for_group(dir_fd, pin))
			return "incomplete, or not root's";
	}
	if (read_map(dir, "meta", meta, sizeof(*meta)))
		return "of another release";
	return compare_meta(meta);
}

static bool is_attached(int dir_fd, const struct program *p)
{
	char pin[NAME_MAX];

	program_pin(p, pin);
	return pins_is_for_group(dir_fd, pin);
}

/* Puts into *status what there is, and the verdicts on what is not. */
static void describe(struct observe_status *status, const char *dir, int dir_fd,
		     const struct ktls_meta *meta, const struct verdicts *verdicts)
{
	struct ktls_settings settings = { 0 };

	read_map(dir, "settings", &settings, sizeof(settings));
	status->payload = settings.payload;
	status->since_ns = meta->since_ns;
	status->n_programs = 0;
	for (unsigned int i = 0; i < n_programs; i++) {
		const struct program *p = &programs[i];
		const struct verdict *v = &verdicts->of[i];
		bool attached = is_attached(dir_fd, p);

		if (p->kind == PROGRAM_PRUNE) {
			status->pruned = verdicts->pruned;
			status->prune_error = v->error;
			continue;
		}
		if ((p->kind == PROGRAM_PAYLOAD && !settings.payload) ||
		    (p->alternative && !attached && v->error == ENOENT))
			continue;
		status->programs[status->n_programs] = (struct observe_program){
			.name = p->section, .attached = attached, .error = attached ? 0 : v->error
		};
		if (!attached)
			memcpy(status->programs[status->n_programs].text, v->text, sizeof(v->text));
		status->n_programs++;
	}
}

/* ---- loading ---- */

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

static int fill_maps(struct bpf_object *object, struct ktls_meta *meta)
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

static program_set select_kind(enum program_kind kind)
{
	program_set set = 0;

	for (unsigned int i = 0; i < n_programs; i++)
		if (programs[i].kind == kind)
			set |= (program_set)1 << i;
	return set;
}

static int pin_maps(struct bpf_object *object, const char *dir, struct observe_status *status)
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

/* Pinned beside, made readable, then renamed over the old one, so that there always is one. */
static int pin_iterators(struct bpf_object *object, const char *dir, int dir_fd, gid_t group,
			 struct observe_status *status)
{
	char path[PATH_MAX], pin[NAME_MAX];

	if (!pins_path(path, dir, PINS_NEW))
		return status_end(status, OBSERVE_STEP_PIN, ENAMETOOLONG,
				  "pin: the path is too long");
	for (unsigned int i = 0; i < n_programs; i++) {
		int r;

		if (programs[i].kind != PROGRAM_ITER)
			continue;
		program_pin(&programs[i], pin);
		r = pins_remove(dir_fd, PINS_NEW);
		if (!r)
			r = program_attach(object, &programs[i], path);
		if (r)
			return status_end(status, OBSERVE_STEP_ATTACH, r, "attach: %s: %s",
					  programs[i].section, strerror(-r));
		r = pins_publish(dir_fd, pin, group);
		if (r)
			return status_end(status, OBSERVE_STEP_PIN, r, "pin: publish %s/%s: %s",
					  dir, pin, strerror(-r));
	}
	return 0;
}

static int load_new(struct bpf_object **object, struct ktls_meta *meta,
		    struct observe_status *status)
{
	int r = programs_load(object, select_kind(PROGRAM_ITER), NULL);

	if (!r)
		r = fill_maps(*object, meta);
	if (!r)
		return 0;
	return status_end(status, OBSERVE_STEP_LOAD, r, "load: %s: %s", strerror(-r),
			  target_explain(-r));
}

static int replace_pins(const char *dir, gid_t group, const char *why_not,
			struct observe_status *status)
{
	_cleanup_object_ struct bpf_object *object = NULL;
	_cleanup_fd_ int dir_fd = -1;
	struct ktls_meta meta;
	int r = load_new(&object, &meta, status);

	if (r)
		return r;
	dir_fd = pins_make(dir, group, status);
	if (dir_fd < 0)
		return dir_fd;
	r = pins_remove(dir_fd, PROGRAM_LINK_PREFIX);
	if (!r)
		r = pins_remove(dir_fd, PROGRAM_MAP_PREFIX);
	if (r)
		return status_end(status, OBSERVE_STEP_PIN, r, "pin: remove what is %s in %s: %s",
				  why_not, dir, strerror(-r));
	r = pin_maps(object, dir, status);
	if (!r)
		r = pin_iterators(object, dir, dir_fd, group, status);
	if (r)
		return r;
	describe(status, dir, dir_fd, &meta, &(struct verdicts){ 0 });
	return status_end(status, OBSERVE_STEP_DONE, 0, "pinned at %s%s%s", dir,
			  why_not ? ", in place of programs " : "", why_not ? why_not : "");
}

/* The group may be another than it was. */
static int adopt_pins(const char *dir, gid_t group, const struct ktls_meta *meta,
		      struct observe_status *status)
{
	_cleanup_fd_ int dir_fd = pins_make(dir, group, status);
	char pin[NAME_MAX];

	if (dir_fd < 0)
		return dir_fd;
	for (unsigned int i = 0; i < n_programs; i++) {
		int r = 0;

		program_pin(&programs[i], pin);
		if (programs[i].kind == PROGRAM_ITER)
			r = pins_give(dir_fd, pin, group);
		if (r)
			return status_end(status, OBSERVE_STEP_PIN, r, "pin: owner of %s/%s: %s",
					  dir, pin, strerror(-r));
	}
	describe(status, dir, dir_fd, meta, &(struct verdicts){ 0 });
	status->adopted = true;
	return status_end(status, OBSERVE_STEP_DONE, 0, "adopted at %s", dir);
}

int observe_load(const char *dir, gid_t group, struct observe_status *status)
{
	_cleanup_fd_ int dir_fd = pins_open(dir);
	const char *why_not = NULL;
	struct ktls_meta meta;

	*status = (struct observe_status){ .waiting_for_tls = !observe_tls_is_loaded() };
	if (dir_fd >= 0 && !faccessat(dir_fd, OBSERVE_ITER_TCP, F_OK, 0)) {
		why_not = refuse_pins(dir, dir_fd, &meta);
		if (!why_not)
			return adopt_pins(dir, group, &meta, status);
	}
	return replace_pins(dir, group, why_not, status);
}

/* ---- probes ---- */

__attribute__((format(printf, 4, 5))) static void judge(struct verdicts *verdicts, unsigned int i,
							int error, const char *format, ...)
{
	struct verdict *v = &verdicts->of[i];
	va_list args;

	v->error = error < 0 ? -error : error;
	va_start(args, format);
	vsnprintf(v->text, sizeof(v->text), format, args);
	va_end(args);
}

/* Those of the kind that are not attached and could be; a verdict on those that cannot. */
static program_set select_missing(int dir_fd, enum program_kind kind, const struct target *target,
				  struct verdicts *verdicts, bool *waiting)
{
	program_set set = 0;

	for (unsigned int i = 0; i < n_programs; i++) {
		if (programs[i].kind != kind || is_attached(dir_fd, &programs[i]))
			continue;
		if (target_has(target, programs[i].section)) {
			set |= (program_set)1 << i;
		} else if (!observe_tls_is_loaded()) {
			*waiting = true;
			judge(verdicts, i, 0, "waits for the tls module");
		} else {
			judge(verdicts, i, ENOENT, "this kernel has no %s",
			      strchr(programs[i].section, '/') + 1);
		}
	}
	return set;
}

static void attach_loaded(struct bpf_object *object, program_set set, const char *dir,
			  struct verdicts *verdicts)
{
	char path[PATH_MAX], pin[NAME_MAX];

	for (unsigned int i = 0; i < n_programs; i++) {
		int r = -ENAMETOOLONG;

		if (!(set >> i & 1))
			continue;
		program_pin(&programs[i], pin);
		if (programs[i].kind == PROGRAM_PRUNE)
			r = program_prune(object, &programs[i], &verdicts->pruned);
		else if (pins_path(path, dir, pin))
			r = program_attach(object, &programs[i], path);
		if (r)
			judge(verdicts, i, r, "attach: %s", strerror(-r));
	}
}

/* All at once, which is quick; where the kernel refuses one of them, each alone. */
static void attach_set(program_set set, const char *dir, struct verdicts *verdicts)
{
	_cleanup_object_ struct bpf_object *object = NULL;
	int r;

	if (!set)
		return;
	r = programs_load(&object, set, dir);
	if (!r) {
		attach_loaded(object, set, dir, verdicts);
		return;
	}
	for (unsigned int i = 0; i < n_programs; i++)
		if (set == (program_set)1 << i)
			judge(verdicts, i, r, "load: %s: %s", strerror(-r), target_explain(-r));
		else if (set >> i & 1)
			attach_set((program_set)1 << i, dir, verdicts);
}

/* Opens a directory with pins of this build. */
static int open_ours(const char *dir, struct ktls_meta *meta, struct observe_status *status)
{
	_cleanup_fd_ int dir_fd = pins_open(dir);
	const char *why_not;

	*status = (struct observe_status){ .waiting_for_tls = false };
	if (dir_fd < 0)
		return status_end(status, OBSERVE_STEP_BPFFS, dir_fd, "bpffs: %s: %s", dir,
				  strerror(-dir_fd));
	why_not = refuse_pins(dir, dir_fd, meta);
	if (why_not)
		return status_end(status, OBSERVE_STEP_PIN, ENOENT, "pins: those in %s are %s", dir,
				  why_not);
	return fd_take(&dir_fd);
}

static int attach_kind(const char *dir, int dir_fd, enum program_kind kind,
		       struct verdicts *verdicts, struct observe_status *status)
{
	_cleanup_target_ struct target target = { 0 };
	int r = target_open(&target);
	program_set set;

	if (r)
		return status_end(status, OBSERVE_STEP_LOAD, r, "load: %s: %s", strerror(-r),
				  target_explain(-r));
	set = select_missing(dir_fd, kind, &target, verdicts, &status->waiting_for_tls);
	if (set && kind == PROGRAM_PROBE)
		set |= select_kind(PROGRAM_PRUNE);
	attach_set(set, dir, verdicts);
	return 0;
}

int observe_attach_probes(const char *dir, struct observe_status *status)
{
	struct verdicts verdicts = { 0 };
	struct ktls_settings settings = { 0 };
	struct ktls_meta meta;
	_cleanup_fd_ int dir_fd = open_ours(dir, &meta, status);
	int r;

	if (dir_fd < 0)
		return dir_fd;
	read_map(dir, "settings", &settings, sizeof(settings));
	r = attach_kind(dir, dir_fd, PROGRAM_PROBE, &verdicts, status);
	if (!r && settings.payload)
		r = attach_kind(dir, dir_fd, PROGRAM_PAYLOAD, &verdicts, status);
	if (r)
		return r;
	describe(status, dir, dir_fd, &meta, &verdicts);
	return status_end(status, OBSERVE_STEP_DONE, 0, "%s",
			  status->waiting_for_tls ? "waiting for the tls module" : "attached");
}

static int write_settings(const char *dir, const struct ktls_settings *settings)
{
	_cleanup_fd_ int fd = open_map(dir, "settings");
	uint32_t first = 0;

	if (fd < 0)
		return fd;
	return bpf_map_update_elem(fd, &first, settings, BPF_ANY) ? -errno : 0;
}

/* Detached: in their pins' names. */
static int remove_payload_pins(int dir_fd)
{
	char pin[NAME_MAX];
	int r = 0;

	for (unsigned int i = 0; i < n_programs && !r; i++) {
		program_pin(&programs[i], pin);
		if (programs[i].kind == PROGRAM_PAYLOAD)
			r = pins_remove(dir_fd, pin);
	}
	return r;
}

int observe_set_payload(const char *dir, bool on, struct observe_status *status)
{
	struct verdicts verdicts = { 0 };
	struct ktls_settings settings;
	struct ktls_meta meta;
	_cleanup_fd_ int dir_fd = open_ours(dir, &meta, status);
	int r;

	if (dir_fd < 0)
		return dir_fd;
	if (on && !observe_tls_is_loaded())
		return status_end(status, OBSERVE_STEP_ATTACH, EAGAIN,
				  "payload: the tls module is not loaded");
	r = read_map(dir, "settings", &settings, sizeof(settings));
	if (!r && on)
		r = attach_kind(dir, dir_fd, PROGRAM_PAYLOAD, &verdicts, status);
	/* Sockets count as accounted from their first byte: after the attaching. */
	if (!r && on != settings.payload) {
		settings.payload = on;
		settings.payload_run += on;
		r = write_settings(dir, &settings);
	}
	if (!r && !on)
		r = remove_payload_pins(dir_fd);
	if (r)
		return status_end(status, OBSERVE_STEP_PIN, r, "payload: %s", strerror(-r));
	describe(status, dir, dir_fd, &meta, &verdicts);
	return status_end(status, OBSERVE_STEP_DONE, 0, "payload %s", on ? "on" : "off");
}

int observe_look(const char *dir, struct observe_status *status)
{
	struct ktls_meta meta;
	_cleanup_fd_ int dir_fd = open_ours(dir, &meta, status);

	if (dir_fd < 0)
		return dir_fd;
	status->waiting_for_tls = !observe_tls_is_loaded();
	describe(status, dir, dir_fd, &meta, &(struct verdicts){ 0 });
	return status_end(status, OBSERVE_STEP_DONE, 0, "pinned at %s", dir);
}

int observe_open_events(const char *dir)
{
	return open_map(dir, "events");
}

int observe_unload(const char *dir)
{
	static const char *const prefixes[] = { PROGRAM_LINK_PREFIX, "iter_", PROGRAM_MAP_PREFIX,
						PINS_NEW };
	_cleanup_fd_ int fd = pins_open(dir);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		int r = pins_remove(fd, prefixes[i]);

		if (r)
			return r;
	}
	/* EINVAL: a directory inside somebody else's bpffs, which stays. Detached, because a
	 * reader may have the pin open. */
	if (umount2(dir, MNT_DETACH | UMOUNT_NOFOLLOW) && errno != EINVAL)
		return -errno;
	return 0;
}
