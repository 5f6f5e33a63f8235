/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives the kernel its programs; must not know where they are pinned, or when they are wanted. */
#include "bpf/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/util.h"
#include "bpf/observe.h"
#include "ktls_bpf_object.h"

const struct program programs[] = {
	{ .section = "iter/tcp", .kind = PROGRAM_ITER },
	{ .section = "iter/task_file", .kind = PROGRAM_ITER },
	{ .section = "iter/bpf_map_elem",
	  .kind = PROGRAM_ITER,
	  .map = "totals",
	  .function = "ktls_iter_totals" },
	{ .section = "fexit/tcp_set_ulp", .kind = PROGRAM_PROBE },
	{ .section = "fentry/tls_setsockopt", .kind = PROGRAM_PROBE },
	{ .section = "fexit/tls_setsockopt", .kind = PROGRAM_PROBE },
	{ .section = "fentry/tls_getsockopt", .kind = PROGRAM_PROBE },
	{ .section = "fexit/tls_getsockopt", .kind = PROGRAM_PROBE },
	{ .section = "tp_btf/tls_device_offload_set", .kind = PROGRAM_PROBE },
	{ .section = "fexit/tls_set_device_offload", .kind = PROGRAM_PROBE },
	{ .section = "fexit/tls_set_device_offload_rx", .kind = PROGRAM_PROBE },
	{ .section = "fentry/tls_err_abort", .kind = PROGRAM_PROBE },
	{ .section = "fentry/tls_strp_abort_strp", .kind = PROGRAM_PROBE },
	{ .section = "tp_btf/tls_device_rx_resync_send", .kind = PROGRAM_PROBE },
	{ .section = "tp_btf/tls_device_tx_resync_send", .kind = PROGRAM_PROBE },
	{ .section = "fentry/tls_sw_fallback", .kind = PROGRAM_PROBE },
	{ .section = "fentry/tls_dev_event", .kind = PROGRAM_PROBE },
	{ .section = "fentry/tls_sk_proto_close", .kind = PROGRAM_PROBE },
	/* After the probe that makes it needless. */
	{ .section = "iter/bpf_map_elem",
	  .kind = PROGRAM_PRUNE,
	  .map = "history",
	  .function = "ktls_prune" },
	{ .section = "fexit/tls_sw_sendmsg", .kind = PROGRAM_PAYLOAD },
	{ .section = "fexit/tls_device_sendmsg", .kind = PROGRAM_PAYLOAD },
	{ .section = "fexit/tls_sw_sendpage", .kind = PROGRAM_PAYLOAD, .alternative = true },
	{ .section = "fexit/tls_device_sendpage", .kind = PROGRAM_PAYLOAD, .alternative = true },
	{ .section = "fexit/tls_sw_recvmsg", .kind = PROGRAM_PAYLOAD },
	{ .section = "fexit/tls_sw_splice_read", .kind = PROGRAM_PAYLOAD },
	{ .section = "fexit/tls_sw_read_sock", .kind = PROGRAM_PAYLOAD, .alternative = true },
};
const unsigned int n_programs = ARRAY_SIZE(programs);
_Static_assert(ARRAY_SIZE(programs) <= OBSERVE_MAX_PROGRAMS, "struct observe_status");
_Static_assert(ARRAY_SIZE(programs) <= 64, "program_set");

const char *const program_maps[] = { "meta", "settings", "history", "totals", "events" };
const unsigned int n_program_maps = ARRAY_SIZE(program_maps);

static observe_log_fn *log_line;

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	static const int priorities[] = {
		[LIBBPF_WARN] = LOG_WARNING,
		[LIBBPF_INFO] = LOG_INFO,
		[LIBBPF_DEBUG] = LOG_DEBUG,
	};
	_cleanup_free_ char *text = NULL;
	char *rest, *line;

	if (!log_line || vasprintf(&text, format, args) < 0)
		return 0;
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			log_line(priorities[level], line);
	return 0;
}

void observe_set_log(observe_log_fn *log)
{
	log_line = log;
}

program_set programs_select(enum program_kind kind)
{
	program_set set = 0;

	for (unsigned int i = 0; i < n_programs; i++)
		if (programs[i].kind == kind)
			set |= (program_set)1 << i;
	return set;
}

void program_pin(const struct program *p, char name[static NAME_MAX])
{
	char *slash;

	/* Named for what it tells. */
	if (p->map) {
		snprintf(name, NAME_MAX, "iter_%s", p->map);
		return;
	}
	snprintf(name, NAME_MAX, "%s%s", p->kind == PROGRAM_ITER ? "" : PROGRAM_LINK_PREFIX,
		 p->section);
	slash = strchr(name, '/');
	if (slash)
		*slash = '_';
}

/* FNV-1a: no adversary, only another build. */
uint64_t programs_build(void)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < sizeof(ktls_bpf_object); i++)
		hash = (hash ^ ktls_bpf_object[i]) * 0x100000001b3;
	return hash;
}

static struct bpf_program *find_program(struct bpf_object *object, const struct program *p)
{
	struct bpf_program *program;

	if (p->function)
		return bpf_object__find_program_by_name(object, p->function);
	bpf_object__for_each_program(program,
				     object) if (!strcmp(bpf_program__section_name(program),
							 p->section)) return program;
	return NULL;
}

static int select_programs(struct bpf_object *object, program_set set)
{
	for (unsigned int i = 0; i < n_programs; i++) {
		struct bpf_program *program = find_program(object, &programs[i]);

		if (!program)
			return -ENOENT;
		bpf_program__set_autoload(program, set >> i & 1);
	}
	return 0;
}

static int reuse_maps(struct bpf_object *object, const char *dir)
{
	char path[PATH_MAX];

	for (unsigned int i = 0; i < n_program_maps; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, program_maps[i]);
		int r;

		if (snprintf(path, sizeof(path), "%s/" PROGRAM_MAP_PREFIX "%s", dir,
			     program_maps[i]) >= PATH_MAX)
			return -ENAMETOOLONG;
		r = map ? bpf_map__set_pin_path(map, path) : -ENOENT;
		if (r)
			return r;
	}
	return 0;
}

int programs_load(struct bpf_object **object, program_set set, const char *dir)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "ktls");
	int r;

	libbpf_set_print(print_libbpf);
	*object = bpf_object__open_mem(ktls_bpf_object, sizeof(ktls_bpf_object), &options);
	if (!*object)
		return -errno;
	r = select_programs(*object, set);
	if (!r && dir)
		r = reuse_maps(*object, dir);
	if (!r)
		r = bpf_object__load(*object);
	if (r)
		programs_unload(object);
	return r;
}

void programs_unload(struct bpf_object **object)
{
	bpf_object__close(*object);
	*object = NULL;
}

static struct bpf_link *attach_iter(struct bpf_object *object, const struct program *p)
{
	union bpf_iter_link_info info = { 0 };
	LIBBPF_OPTS(bpf_iter_attach_opts, options);

	if (p->map) {
		info.map.map_fd = (__u32)bpf_object__find_map_fd_by_name(object, p->map);
		options.link_info = &info; /* not in the initialiser, which may spoil the padding */
		options.link_info_len = sizeof(info);
	}
	return bpf_program__attach_iter(find_program(object, p), &options);
}

int program_attach(struct bpf_object *object, const struct program *p, const char *path)
{
	struct bpf_link *link = p->kind == PROGRAM_ITER ?
					attach_iter(object, p) :
					bpf_program__attach(find_program(object, p));
	int r;

	if (!link)
		return -errno;
	r = bpf_link__pin(link, path);
	bpf_link__destroy(link); /* closes it; what is pinned stays */
	return r;
}

/* The kernel walks no further at a time than there is room for the octets. */
static int read_marks(int fd, unsigned int *n)
{
	uint8_t marks[1024];
	ssize_t len;

	while ((len = read(fd, marks, sizeof(marks))) != 0) {
		if (len < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		for (ssize_t i = 0; i < len; i++)
			*n += marks[i];
	}
	return 0;
}

int program_prune(struct bpf_object *object, const struct program *p, unsigned int *n)
{
	struct bpf_link *link = attach_iter(object, p);
	int r = -errno, fd;

	*n = 0;
	if (!link)
		return r;
	fd = bpf_iter_create(bpf_link__fd(link));
	r = fd < 0 ? -errno : read_marks(fd, n);
	fd_close(&fd);
	bpf_link__destroy(link);
	return r;
}
