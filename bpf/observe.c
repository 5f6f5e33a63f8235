/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decides what is adopted, loaded, attached and pinned, and tells what came of it; must not know
 * who reads it. */
#include "bpf/observe.h"

#include <errno.h>
#include <linux/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/util.h"
#include "bpf/event.h"
#include "bpf/maps.h"
#include "bpf/meta.h"
#include "bpf/pins.h"
#include "bpf/probes.h"
#include "bpf/programs.h"
#include "bpf/status.h"
#include "bpf/target.h"

bool observe_tls_is_loaded(void)
{
	return !access("/proc/net/tls_stat", F_OK);
}

/* ---- what is pinned ---- */

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
	if (maps_read(dir, "meta", meta, sizeof(*meta)))
		return "of another release";
	return maps_compare(meta);
}

/* Puts into *status what there is, and the verdicts on what is not. */
static void describe(struct observe_status *status, const char *dir, int dir_fd,
		     const struct ktls_meta *meta, const struct probes_verdicts *verdicts)
{
	struct ktls_settings settings = { 0 };

	maps_read(dir, "settings", &settings, sizeof(settings));
	status->payload = settings.payload;
	status->since_ns = meta->since_ns;
	status->n_programs = 0;
	for (unsigned int i = 0; i < n_programs; i++) {
		const struct program *p = &programs[i];
		const struct probes_verdict *v = &verdicts->of[i];
		bool attached = probes_has(dir_fd, p);

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
	int r = programs_load(object, programs_select(PROGRAM_ITER), NULL);

	if (!r)
		r = maps_fill(*object, meta);
	if (!r)
		return 0;
	return status_end(status, OBSERVE_STEP_LOAD, r, "load: %s: %s", strerror(-r),
			  target_explain(-r));
}

static int replace_pins(const char *dir, gid_t group, const char *why_not,
			struct observe_status *status)
{
	_cleanup_programs_ struct bpf_object *object = NULL;
	_cleanup_fd_ int dir_fd = -1;
	struct ktls_meta meta = { 0 };
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
	r = maps_pin(object, dir, status);
	if (!r)
		r = pin_iterators(object, dir, dir_fd, group, status);
	if (r)
		return r;
	describe(status, dir, dir_fd, &meta, &(struct probes_verdicts){ 0 });
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
	describe(status, dir, dir_fd, meta, &(struct probes_verdicts){ 0 });
	status->adopted = true;
	return status_end(status, OBSERVE_STEP_DONE, 0, "adopted at %s", dir);
}

int observe_load(const char *dir, gid_t group, struct observe_status *status)
{
	_cleanup_fd_ int dir_fd = pins_open(dir);
	const char *why_not = NULL;
	struct ktls_meta meta = { 0 };

	*status = (struct observe_status){ .waiting_for_tls = !observe_tls_is_loaded() };
	if (dir_fd >= 0 && !faccessat(dir_fd, OBSERVE_ITER_TCP, F_OK, 0)) {
		why_not = refuse_pins(dir, dir_fd, &meta);
		if (!why_not)
			return adopt_pins(dir, group, &meta, status);
	}
	return replace_pins(dir, group, why_not, status);
}

/* ---- what is asked of those that are loaded ---- */

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

int observe_attach_probes(const char *dir, struct observe_status *status)
{
	struct probes_verdicts verdicts = { 0 };
	struct ktls_settings settings = { 0 };
	struct ktls_meta meta = { 0 };
	_cleanup_fd_ int dir_fd = open_ours(dir, &meta, status);
	int r;

	if (dir_fd < 0)
		return dir_fd;
	maps_read(dir, "settings", &settings, sizeof(settings));
	r = probes_attach(dir, dir_fd, PROGRAM_PROBE, &verdicts, status);
	if (!r && settings.payload)
		r = probes_attach(dir, dir_fd, PROGRAM_PAYLOAD, &verdicts, status);
	if (r)
		return r;
	describe(status, dir, dir_fd, &meta, &verdicts);
	return status_end(status, OBSERVE_STEP_DONE, 0, "%s",
			  status->waiting_for_tls ? "waiting for the tls module" : "attached");
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
	struct probes_verdicts verdicts = { 0 };
	struct ktls_settings settings;
	struct ktls_meta meta = { 0 };
	_cleanup_fd_ int dir_fd = open_ours(dir, &meta, status);
	int r;

	if (dir_fd < 0)
		return dir_fd;
	if (on && !observe_tls_is_loaded())
		return status_end(status, OBSERVE_STEP_ATTACH, EAGAIN,
				  "payload: the tls module is not loaded");
	r = maps_read(dir, "settings", &settings, sizeof(settings));
	if (!r && on)
		r = probes_attach(dir, dir_fd, PROGRAM_PAYLOAD, &verdicts, status);
	/* Sockets count as accounted from their first byte: after the attaching. */
	if (!r && on != settings.payload) {
		settings.payload = on;
		settings.payload_run += on;
		r = maps_write_settings(dir, &settings);
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
	struct ktls_meta meta = { 0 };
	_cleanup_fd_ int dir_fd = open_ours(dir, &meta, status);

	if (dir_fd < 0)
		return dir_fd;
	status->waiting_for_tls = !observe_tls_is_loaded();
	describe(status, dir, dir_fd, &meta, &(struct probes_verdicts){ 0 });
	return status_end(status, OBSERVE_STEP_DONE, 0, "pinned at %s", dir);
}

int observe_open_events(const char *dir)
{
	return maps_open(dir, "events");
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
