/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread for each sample. */
#include "cli/sampler.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "base/util.h"
#include "cli/sample.h"

int sampler_init(struct sampler *sampler, const struct options *options,
		 const struct filter *filter)
{
	*sampler = (struct sampler){ .options = options, .filter = filter };
	sampler->fd = eventfd(0, EFD_CLOEXEC);
	return sampler->fd < 0 ? -errno : 0;
}

static void *work(void *arg)
{
	struct sampler *sampler = arg;

	sampler->taken = sample_take(sampler->options, sampler->filter, sampler->before);
	eventfd_write(sampler->fd, 1);
	return NULL;
}

int sampler_start(struct sampler *sampler, const struct sample *before)
{
	int r;

	if (sampler->running)
		return 0;
	sampler->before = before;
	r = pthread_create(&sampler->thread, NULL, work, sampler);
	sampler->running = !r;
	return -r;
}

struct sample *sampler_finish(struct sampler *sampler)
{
	eventfd_t n;

	eventfd_read(sampler->fd, &n);
	pthread_join(sampler->thread, NULL);
	sampler->running = false;
	return sampler->taken;
}
