/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads and pins the kernel programs, and says what is missing when it cannot; must not know who
 * reads them. */
#include "bpf/observe.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "base/util.h"
#include "ktls_bpf_object.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define TLS_MODULE_BTF "/sys/kernel/btf/tls"
#define LOCKDOWN "/sys/kernel/security/lockdown"
#define ITER_PROGRAM "ktls_iter_tcp"
/* No dot: bpffs refuses names with one. */
#define NEW_SUFFIX "_new"

static observe_log_fn *log_line;

static void object_cleanup(struct bpf_object **object)
{
	bpf_object__close(*object);
}

static void link_cleanup(struct bpf_link **link)
{
	bpf_link__destroy(*link);
}

static void btf_cleanup(struct btf **btf)
{
	btf__free(*btf);
}

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

/* Notes where and why it ended; returns the error, negative. */
__attribute__((format(printf, 4, 5))) static int
end(struct observe_status *status, enum observe_step step, int error, const char *format, ...)
{
	va_list args;

	status->step = step;
	status->error = error < 0 ? -error : error;
	va_start(args, format);
	vsnprintf(status->text, sizeof(status->text), format, args);
	va_end(args);
	return -status->error;
}

static bool has_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, sets))
		return false;
	return sets[capability / 32].effective & 1U << capability % 32;
}

/* With lockdown=confidentiality programs may not read kernel memory. */
static bool kernel_is_confidential(void)
{
	_cleanup_fd_ int fd = open(LOCKDOWN, O_RDONLY | O_CLOEXEC);
	char modes[128] = "";

	if (fd < 0 || read(fd, modes, sizeof(modes) - 1) < 0)
		return false;
	return strstr(modes, "[confidentiality]");
}

static bool kernel_knows_tls(void)
{
	__attribute__((cleanup(btf_cleanup))) struct btf *btf = btf__load_vmlinux_btf();

	return !access(TLS_MODULE_BTF, F_OK) ||
	       (btf && btf__find_by_name_kind(btf, "tls_context", BTF_KIND_STRUCT) >= 0);
}

/* The kernel only says EPERM or EINVAL: looks for the cause, the most basic one first. */
static const char *explain_load(int error)
{
	if (error == ENOSYS)
		return "the kernel has no bpf(2)";
	if (!has_capability(CAP_BPF) && !has_capability(CAP_SYS_ADMIN))
		return "no CAP_BPF";
	if (!has_capability(CAP_PERFMON) && !has_capability(CAP_SYS_ADMIN))
		return "no CAP_PERFMON";
	if (access(KERNEL_BTF, R_OK))
		return "no BTF: " KERNEL_BTF " is missing or unreadable";
	if (kernel_is_confidential())
		return "kernel lockdown is in confidentiality mode";
	if (!kernel_knows_tls())
		return "neither the kernel's BTF nor a loaded tls module has struct tls_context";
	return "the kernel refused the program, see the log";
}

static int load_object(struct bpf_object **object, struct observe_status *status)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "ktls");
	int r;

	*object = bpf_object__open_mem(ktls_bpf_object, sizeof(ktls_bpf_object), &options);
	if (!*object)
		return end(status, OBSERVE_STEP_LOAD, errno, "open: %s", strerror(errno));
	r = bpf_object__load(*object);
	if (r)
		return end(status, OBSERVE_STEP_LOAD, r, "load: %s: %s", strerror(-r),
			   explain_load(-r));
	return 0;
}

static int attach_iterator(struct bpf_object *object, struct bpf_link **link,
			   struct observe_status *status)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, ITER_PROGRAM);

	if (!program)
		return end(status, OBSERVE_STEP_ATTACH, ENOENT, "attach: no program " ITER_PROGRAM);
	*link = bpf_program__attach_iter(program, NULL);
	if (!*link)
		return end(status, OBSERVE_STEP_ATTACH, errno, "attach: %s", strerror(errno));
	return 0;
}

static bool is_bpffs(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == BPF_FS_MAGIC;
}

/* Opens the directory with a bpffs in it, mounted now if there is none. */
static int open_bpffs(const char *dir, int *fd_out, struct observe_status *status)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_fd_ int fd = -1;

	if (mkdir(dir, 0750) && errno != EEXIST)
		return end(status, OBSERVE_STEP_BPFFS, errno, "bpffs: mkdir %s: %s", dir,
			   strerror(errno));
	fd = open(dir, flags);
	if (fd < 0)
		return end(status, OBSERVE_STEP_BPFFS, errno, "bpffs: open %s: %s", dir,
			   strerror(errno));
	if (!is_bpffs(fd)) {
		if (mount("bpf", dir, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
			return end(status, OBSERVE_STEP_BPFFS, errno, "bpffs: mount %s: %s%s", dir,
				   strerror(errno),
				   has_capability(CAP_SYS_ADMIN) ? "" : ": no CAP_SYS_ADMIN");
		fd_close(&fd);
		fd = open(dir, flags);
		if (fd < 0 || !is_bpffs(fd))
			return end(status, OBSERVE_STEP_BPFFS, ENODEV,
				   "bpffs: %s is another file system than was mounted", dir);
	}
	*fd_out = fd_take(&fd);
	return 0;
}

static int prepare_bpffs(const char *dir, gid_t group, int *fd_out, struct observe_status *status)
{
	_cleanup_fd_ int fd = -1;
	int r = open_bpffs(dir, &fd, status);

	if (r)
		return r;
	if (fchown(fd, 0, group) || fchmod(fd, 0750))
		return end(status, OBSERVE_STEP_BPFFS, errno, "bpffs: owner and mode of %s: %s",
			   dir, strerror(errno));
	*fd_out = fd_take(&fd);
	return 0;
}

/* Pinned beside, made readable, then renamed over the old one, so that there always is one. */
static int pin_iterator(struct bpf_link *link, const char *dir, int dir_fd, gid_t group,
			struct observe_status *status)
{
	static const char name[] = OBSERVE_ITER_TCP, new[] = OBSERVE_ITER_TCP NEW_SUFFIX;
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s/%s", dir, new) >= (int)sizeof(path))
		return end(status, OBSERVE_STEP_PIN, ENAMETOOLONG, "pin: the path is too long");
	if (unlinkat(dir_fd, new, 0) && errno != ENOENT)
		return end(status, OBSERVE_STEP_PIN, errno, "pin: remove %s: %s", path,
			   strerror(errno));
	r = bpf_link__pin(link, path);
	if (r)
		return end(status, OBSERVE_STEP_PIN, r, "pin: %s: %s", path, strerror(-r));
	if (fchownat(dir_fd, new, 0, group, AT_SYMLINK_NOFOLLOW) ||
	    fchmodat(dir_fd, new, 0640, 0) || renameat(dir_fd, new, dir_fd, name)) {
		r = -errno;
		unlinkat(dir_fd, new, 0);
		return end(status, OBSERVE_STEP_PIN, r, "pin: publish %s/%s: %s", dir, name,
			   strerror(-r));
	}
	return 0;
}

int observe_load(const char *dir, gid_t group, struct observe_status *status)
{
	__attribute__((cleanup(object_cleanup))) struct bpf_object *object = NULL;
	__attribute__((cleanup(link_cleanup))) struct bpf_link *link = NULL;
	_cleanup_fd_ int dir_fd = -1;
	int r;

	libbpf_set_print(print_libbpf);
	r = load_object(&object, status);
	if (!r)
		r = attach_iterator(object, &link, status);
	if (!r)
		r = prepare_bpffs(dir, group, &dir_fd, status);
	if (!r)
		r = pin_iterator(link, dir, dir_fd, group, status);
	if (!r)
		r = end(status, OBSERVE_STEP_DONE, 0, "pinned at %s/%s", dir, OBSERVE_ITER_TCP);
	return r;
}

int observe_unload(const char *dir)
{
	_cleanup_fd_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!is_bpffs(fd))
		return 0;
	if (unlinkat(fd, OBSERVE_ITER_TCP, 0) && errno != ENOENT)
		return -errno;
	/* EINVAL: a directory inside somebody else's bpffs, which stays. Detached, because a
	 * reader may have the pin open. */
	if (umount2(dir, MNT_DETACH | UMOUNT_NOFOLLOW) && errno != EINVAL)
		return -errno;
	return 0;
}

int observe_attach_probes(const char *dir, struct observe_status *status)
{
	return observe_look(dir, status);
}

bool observe_tls_is_loaded(void)
{
	return !access("/proc/net/tls_stat", F_OK);
}

int observe_set_payload(const char *dir, bool on, struct observe_status *status)
{
	(void)dir;
	return end(status, OBSERVE_STEP_LOAD, ENOSYS, "payload: %s", on ? "on" : "off");
}

int observe_look(const char *dir, struct observe_status *status)
{
	(void)dir;
	*status = (struct observe_status){ .step = OBSERVE_STEP_DONE };
	return 0;
}

int observe_open_events(const char *dir)
{
	(void)dir;
	return -ENOENT;
}
