/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads and attaches them, all at once or each alone. */
#include "bpf/probes.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bpf/pins.h"
#include "bpf/status.h"
#include "bpf/target.h"

bool probes_has(int dir_fd, const struct program *p)
{
	char pin[NAME_MAX];

	program_pin(p, pin);
	return pins_is_for_group(dir_fd, pin);
}

__attribute__((format(printf, 4, 5))) static void
judge(struct probes_verdicts *verdicts, unsigned int i, int error, const char *format, ...)
{
	struct probes_verdict *v = &verdicts->of[i];
	va_list args;

	v->error = error < 0 ? -error : error;
	va_start(args, format);
	vsnprintf(v->text, sizeof(v->text), format, args);
	va_end(args);
}

/* Those of the kind that are not attached and could be; a verdict on those that cannot. */
static program_set select_missing(int dir_fd, enum program_kind kind, const struct target *target,
				  struct probes_verdicts *verdicts, bool *waiting)
{
	program_set set = 0;

	for (unsigned int i = 0; i < n_programs; i++) {
		if (programs[i].kind != kind || probes_has(dir_fd, &programs[i]))
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
			  struct probes_verdicts *verdicts)
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
static void attach_set(program_set set, const char *dir, struct probes_verdicts *verdicts)
{
	_cleanup_programs_ struct bpf_object *object = NULL;
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

int probes_attach(const char *dir, int dir_fd, enum program_kind kind,
		  struct probes_verdicts *verdicts, struct observe_status *status)
{
	_cleanup_target_ struct target target = { 0 };
	int r = target_open(&target);
	program_set set;

	if (r)
		return status_end(status, OBSERVE_STEP_LOAD, r, "load: %s: %s", strerror(-r),
				  target_explain(-r));
	set = select_missing(dir_fd, kind, &target, verdicts, &status->waiting_for_tls);
	if (set && kind == PROGRAM_PROBE)
		set |= programs_select(PROGRAM_PRUNE);
	attach_set(set, dir, verdicts);
	return 0;
}
