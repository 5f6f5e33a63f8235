/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small words every module uses: owned descriptors, owned memory, time, big-endian numbers. */
#ifndef KTLSD_BASE_UTIL_H
#define KTLSD_BASE_UTIL_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define NS_PER_MS UINT64_C(1000000)
#define MS_PER_S 1000

/* Closes the descriptor when its scope ends; fd_take() hands it over instead. */
#define _cleanup_fd_ __attribute__((cleanup(fd_cleanup)))
/* Frees the memory when its scope ends; hand over by setting the pointer to NULL. */
#define _cleanup_free_ __attribute__((cleanup(free_cleanup)))

static inline void fd_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Closes *fd if it is open and marks it as none. */
static inline void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void free_cleanup(void *p)
{
	free(*(void **)p);
}

/* Time since boot without suspend, ns. Every deadline is on this clock. */
static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static inline uint64_t be64_get(const uint8_t p[static 8])
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static inline void be64_put(uint8_t p[static 8], uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static inline uint16_t be16_get(const uint8_t p[static 2])
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void be16_put(uint8_t p[static 2], uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

#endif
