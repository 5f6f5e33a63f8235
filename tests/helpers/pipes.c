/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints "COUNT SMALLEST": how many pipes a process holds, and the capacity in bytes of the
 * smallest one. Each end counts.
 *
 *	pipes PID
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_pipe(int dir, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	return !strncmp(target, "pipe:", 5);
}

/* Opens the same pipe once more, to ask it; nothing is read from it or written to it. */
static int capacity(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC), size;

	if (fd < 0)
		err(1, "%s", name);
	size = fcntl(fd, F_GETPIPE_SZ);
	if (size < 0)
		err(1, "F_GETPIPE_SZ");
	close(fd);
	return size;
}

int main(int argc, char **argv)
{
	int count = 0, smallest = INT_MAX;
	char path[64];
	struct dirent *entry;
	DIR *dir;

	if (argc != 2)
		errx(2, "usage: pipes PID");
	snprintf(path, sizeof(path), "/proc/%s/fd", argv[1]);
	dir = opendir(path);
	if (!dir)
		err(1, "%s", path);
	while ((entry = readdir(dir))) {
		int size;

		if (!is_pipe(dirfd(dir), entry->d_name))
			continue;
		size = capacity(dirfd(dir), entry->d_name);
		if (size < smallest)
			smallest = size;
		count++;
	}
	closedir(dir);
	printf("%d %d\n", count, count ? smallest : 0);
	return 0;
}
