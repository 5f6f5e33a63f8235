/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the directory of pins; must not know what is pinned. */
#include "bpf/pins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/util.h"
#include "bpf/status.h"

enum { OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static bool is_bpffs(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == BPF_FS_MAGIC;
}

int pins_open(const char *dir)
{
	_cleanup_fd_ int fd = open(dir, OPEN_FLAGS);

	if (fd < 0)
		return -errno;
	return is_bpffs(fd) ? fd_take(&fd) : -ENOENT;
}

static int mount_bpffs(const char *dir, struct observe_status *status)
{
	int fd;

	if (mount("bpf", dir, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		return status_end(status, OBSERVE_STEP_BPFFS, errno, "bpffs: mount %s: %s%s", dir,
				  strerror(errno), CAPABILITY_LACK(CAP_SYS_ADMIN));
	fd = pins_open(dir);
	if (fd < 0)
		return status_end(status, OBSERVE_STEP_BPFFS, ENODEV,
				  "bpffs: %s is another file system than was mounted", dir);
	return fd;
}

int pins_make(const char *dir, gid_t group, struct observe_status *status)
{
	_cleanup_fd_ int fd = -1;

	if (mkdir(dir, 0750) && errno != EEXIST)
		return status_end(status, OBSERVE_STEP_BPFFS, errno, "bpffs: mkdir %s: %s", dir,
				  strerror(errno));
	fd = pins_open(dir);
	if (fd == -ENOENT)
		fd = mount_bpffs(dir, status);
	else if (fd < 0)
		return status_end(status, OBSERVE_STEP_BPFFS, fd, "bpffs: open %s: %s", dir,
				  strerror(-fd));
	if (fd < 0)
		return fd;
	if (fchown(fd, 0, group) || fchmod(fd, 0750))
		return status_end(status, OBSERVE_STEP_BPFFS, errno,
				  "bpffs: owner and mode of %s: %s%s", dir, strerror(errno),
				  CAPABILITY_LACK(CAP_CHOWN));
	return fd_take(&fd);
}

static bool is_closed(int dir_fd, const char *name, mode_t to)
{
	struct stat st;

	return !fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
	       st.st_uid == 0 && !(st.st_mode & to);
}

bool pins_is_private(int dir_fd, const char *name)
{
	return is_closed(dir_fd, name, S_IRWXG | S_IRWXO);
}

bool pins_is_for_group(int dir_fd, const char *name)
{
	return is_closed(dir_fd, name, S_IWGRP | S_IXGRP | S_IRWXO);
}

bool pins_path(char path[static PATH_MAX], const char *dir, const char *name)
{
	return snprintf(path, PATH_MAX, "%s/%s", dir, name) < PATH_MAX;
}

int pins_give(int dir_fd, const char *name, gid_t group)
{
	return fchownat(dir_fd, name, 0, group, AT_SYMLINK_NOFOLLOW) ||
			       fchmodat(dir_fd, name, 0640, 0) ?
		       -errno :
		       0;
}

int pins_publish(int dir_fd, const char *name, gid_t group)
{
	int r = pins_give(dir_fd, PINS_NEW, group);

	if (!r && renameat(dir_fd, PINS_NEW, dir_fd, name))
		r = -errno;
	if (r)
		unlinkat(dir_fd, PINS_NEW, 0);
	return r;
}

static void dir_cleanup(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int pins_remove(int dir_fd, const char *prefix)
{
	int fd = openat(dir_fd, ".", OPEN_FLAGS);
	__attribute__((cleanup(dir_cleanup))) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		int r = -errno;

		fd_close(&fd);
		return r;
	}
	while ((entry = readdir(dir)))
		if (entry->d_type == DT_REG && !strncmp(entry->d_name, prefix, strlen(prefix)) &&
		    unlinkat(dir_fd, entry->d_name, 0) && errno != ENOENT)
			return -errno;
	return 0;
}
