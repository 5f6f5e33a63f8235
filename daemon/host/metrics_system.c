/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of devices and of TLS in this network namespace, and of this process. */
#include "host/metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/netlink.h"
#include "base/util.h"
#include "host/metrics_part.h"
#include "host/tls_stat.h"

enum { FILE_MAX = 4096 };

/* A small file of /proc, terminated; false if it cannot be read. */
static bool read_file(const char *path, char text[static FILE_MAX])
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, FILE_MAX - 1);

	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* ---- tls_stat ---- */

static bool is_gauge(const struct tls_stat *t)
{
	return !strncmp(t->name, "TlsCurr", strlen("TlsCurr"));
}

static void write_tls_stat(struct metrics_part *p)
{
	struct tls_stat stats[TLS_STAT_MAX];
	size_t n = tls_stat_read(stats);

	p->up[SOURCE_TLS_STAT] = n;
	for (size_t i = 0; i < n; i++)
		if (!is_gauge(&stats[i]))
			exposition_put_int(p->out, METRIC_TLS_STAT, LABELS(stats[i].name),
					   stats[i].value);
	for (size_t i = 0; i < n; i++)
		if (is_gauge(&stats[i]))
			exposition_put_int(p->out, METRIC_TLS_STAT_CURRENT, LABELS(stats[i].name),
					   stats[i].value);
}

/* ---- the process ---- */

/* Fields of proc(5), /proc/[pid]/stat. */
struct process {
	uint64_t threads, start_ticks, virtual_bytes, resident_pages;
};

static bool read_process(struct process *process)
{
	char text[FILE_MAX];
	const char *after;

	if (!read_file("/proc/self/stat", text))
		return false;
	after = strrchr(text, ')'); /* the command's name may hold anything */
	return after && sscanf(after,
			       ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			       "%*d %" SCNu64 " %*d %" SCNu64 " %" SCNu64 " %" SCNu64,
			       &process->threads, &process->start_ticks, &process->virtual_bytes,
			       &process->resident_pages) == 4;
}

static double seconds(const struct timespec *ts)
{
	return (double)ts->tv_sec + (double)ts->tv_nsec / 1e9;
}

/* Of the wall clock; one figure for ever, or it would look like a restart whenever it is set. */
static double start_time(const struct process *process)
{
	static double start;
	struct timespec now, boot;

	if (start == 0) {
		clock_gettime(CLOCK_REALTIME, &now);
		clock_gettime(CLOCK_BOOTTIME, &boot);
		start = seconds(&now) - seconds(&boot) +
			(double)process->start_ticks / (double)sysconf(_SC_CLK_TCK);
	}
	return start;
}

/* Linux >= 6.2 tells by the directory's size, others by being counted. */
static int64_t count_fds(void)
{
	struct stat st;
	int64_t n = 0;
	DIR *dir;

	if (!stat("/proc/self/fd", &st) && st.st_size > 0)
		return st.st_size;
	dir = opendir("/proc/self/fd");
	if (!dir)
		return -1;
	for (const struct dirent *e; (e = readdir(dir));)
		n += *e->d_name != '.';
	closedir(dir);
	return n - 1; /* the directory itself */
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void write_process(struct metrics_part *p)
{
	struct process process;
	struct rlimit limit;
	int64_t fds = count_fds();

	exposition_put(p->out, METRIC_PROCESS_CPU, NULL, cpu_seconds());
	p->up[SOURCE_PROCESS] = read_process(&process);
	if (p->up[SOURCE_PROCESS]) {
		exposition_put_int(p->out, METRIC_PROCESS_RSS, NULL,
				   process.resident_pages * (uint64_t)sysconf(_SC_PAGESIZE));
		exposition_put_int(p->out, METRIC_PROCESS_VIRTUAL, NULL, process.virtual_bytes);
		exposition_put_int(p->out, METRIC_PROCESS_THREADS, NULL, process.threads);
		exposition_put(p->out, METRIC_PROCESS_START, NULL, start_time(&process));
	}
	if (fds >= 0)
		exposition_put_int(p->out, METRIC_PROCESS_FDS, NULL, (uint64_t)fds);
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		exposition_put_int(p->out, METRIC_PROCESS_MAX_FDS, NULL, limit.rlim_cur);
}

/* ---- devices ---- */

static void write_feature(struct metrics_part *p, const char *device, enum direction d,
			  const struct netlink_feature *f)
{
	const struct {
		const char *state;
		bool is_so;
	} states[] = {
		{ "supported", f->supported },
		{ "wanted", f->wanted },
		{ "active", f->active },
	};

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		exposition_put_int(p->out, METRIC_DEVICE_FEATURE,
				   LABELS(device, direction_name(d), states[i].state),
				   states[i].is_so);
}

static void write_devices(struct metrics_part *p)
{
	p->up[SOURCE_DEVICES] = p->in->has_devices;
	for (unsigned i = 0; p->in->has_devices && i < p->in->n_devices; i++) {
		const struct netlink_device *d = &p->in->devices[i];

		write_feature(p, d->name, TX, &d->tls_tx);
		write_feature(p, d->name, RX, &d->tls_rx);
	}
}

void metrics_write_system(struct metrics_part *p)
{
	write_devices(p);
	write_tls_stat(p);
	write_process(p);
}
