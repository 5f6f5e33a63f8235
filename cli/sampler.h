/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes samples beside the thread that shows them, one at a time. */
#ifndef KTLSD_CLI_SAMPLER_H
#define KTLSD_CLI_SAMPLER_H

#include <pthread.h>
#include <stdbool.h>

struct filter;
struct options;
struct sample;

struct sampler {
	const struct options *options;
	const struct filter *filter;
	int fd; /* readable when a sample is there; owned */
	bool running;
	pthread_t thread;
	const struct sample *before;
	struct sample *taken;
};

/* 0 or -errno. Both pointers outlive it. */
int sampler_init(struct sampler *sampler, const struct options *options,
		 const struct filter *filter);

/* Begins one, if none is under way; `before` lives until it is there. 0 or -errno. */
int sampler_start(struct sampler *sampler, const struct sample *before);

/* What was taken, the caller's; NULL when memory was short. Waits for it. */
struct sample *sampler_finish(struct sampler *sampler);

#endif
