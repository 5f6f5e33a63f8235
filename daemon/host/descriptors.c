/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The limit, what is open, and the sum. */
#include "host/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/util.h"

enum {
	OF_MAIN = 64,  /* the main thread's: API, exporter, observer, what they open for a moment */
	OF_WORKER = 3, /* epoll, eventfd, the reserve */
	OF_PIPE = 2,
	OF_FEW = 32, /* the main thread's at the least, and those of some connections */
};

void descriptors_raise(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		return;
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l))
		log_warning("errno=%s msg=\"cannot raise the limit of descriptors\"",
			    log_errno(errno));
}

/* Without /proc as if there were none: what is kept for the main thread is more than a start has. */
static unsigned count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	unsigned n = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		n += *entry->d_name != '.';
	closedir(dir);
	return n - 1; /* that of the directory */
}

void descriptors_read(struct descriptors *d)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		l.rlim_cur = RLIM_INFINITY;
	d->limit = (unsigned)MIN_OF(l.rlim_cur, UINT_MAX);
	d->open = count_open();
}

/* The sockets of listeners twice: a reload brings new ones before it closes the old. */
unsigned descriptors_pipes(const struct descriptors *d, unsigned workers, unsigned listeners,
			   unsigned wanted)
{
	uint64_t ours = (uint64_t)d->open + OF_MAIN + (uint64_t)workers * (OF_WORKER + listeners);
	uint64_t left = d->limit > ours ? d->limit - ours : 0;

	return (unsigned)MIN_OF(left / 2 / OF_PIPE, wanted);
}

unsigned descriptors_least(unsigned workers, unsigned listeners)
{
	uint64_t n = OF_FEW + (uint64_t)workers * (OF_WORKER + listeners);

	return (unsigned)MIN_OF(n, UINT_MAX);
}
