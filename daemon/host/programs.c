/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads in a thread. */
#include "host/programs.h"

#include <stdio.h>

#include "base/log.h"
#include "base/util.h"

static void load_work(struct job *j)
{
	struct programs *p = container_of(j, struct programs, work.job);

	observe_load(p->dir, p->group, &p->work.status);
}

static void load_done(struct job *j)
{
	struct programs *p = container_of(j, struct programs, work.job);

	p->work.running = false;
	p->status = p->work.status;
	p->tried = true;
	if (p->status.error)
		log_warning("errno=%s msg=\"sockets of others are not seen: %s\"",
			    log_errno(p->status.error), p->status.text);
	p->changed(p);
}

void programs_start(struct programs *p, struct loop *loop, const char *runtime_directory,
		    gid_t group)
{
	int err;

	p->loop = loop;
	p->group = group;
	snprintf(p->dir, sizeof(p->dir), "%s/bpf", runtime_directory);
	p->work.job.work = load_work;
	p->work.job.done = load_done;
	err = job_start(&p->work.job, loop);
	p->work.running = !err;
	if (err)
		log_warning("errno=%s msg=\"cannot load the kernel programs\"", log_errno(err));
}

const char *programs_why(const struct programs *p)
{
	return p->tried && p->status.error ? p->status.text : "";
}
