/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads for slow work, few at a time. */
#include "host/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/util.h"
#include "tls/aead.h"

enum { MAX_JOBS = 4 };

static atomic_int running;

static void finish(struct task *t)
{
	struct job *j = container_of(t, struct job, task);

	atomic_fetch_sub(&running, 1);
	j->done(j);
}

static void *run(void *arg)
{
	struct job *j = arg;

	j->work(j);
	aead_thread_fini();
	loop_post(j->loop, &j->task);
	return NULL;
}

int job_start(struct job *j, struct loop *loop)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	if (atomic_fetch_add(&running, 1) >= MAX_JOBS) {
		atomic_fetch_sub(&running, 1);
		return -EAGAIN;
	}
	j->loop = loop;
	j->task.run = finish;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, &attr, run, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (err)
		atomic_fetch_sub(&running, 1);
	return -err;
}
