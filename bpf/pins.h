/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directory of pins: its bpffs, who owns what in it, and how one pin takes another's place. */
#ifndef KTLSD_BPF_PINS_H
#define KTLSD_BPF_PINS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "bpf/observe.h"

/* Opens the directory when there is a bpffs in it. A descriptor, or -errno; -ENOENT: no bpffs. */
int pins_open(const char *dir);

/* Makes the directory, mounts a bpffs if there is none, gives it to the group; a descriptor or
 * -errno, told in *status. */
int pins_make(const char *dir, gid_t group, struct observe_status *status);

/* Whether it is there, root's, and open to nobody else but, maybe, its group. */
bool pins_is_private(int dir_fd, const char *name);
bool pins_is_for_group(int dir_fd, const char *name);

/* DIR/NAME; false: it is too long. */
bool pins_path(char path[static PATH_MAX], const char *dir, const char *name);

/* The name under which a pin is made before it takes its place. */
#define PINS_NEW "new"

/* Gives PINS_NEW to the group to read, and the name to it, in place of what has it. 0 or -errno. */
int pins_publish(int dir_fd, const char *name, gid_t group);

/* Lets a group read what was published for another. 0 or -errno. */
int pins_give(int dir_fd, const char *name, gid_t group);

/* Removes all pins of ours whose names begin with `prefix`. 0 or -errno. */
int pins_remove(int dir_fd, const char *prefix);

#endif
