/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One job at a time: loads, attaches, waits for the tls module, grants wishes. */
#include "host/programs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"

enum { LOOK_MS = 1000 };

static void work(struct job *j)
{
	struct programs_job *w = container_of(j, struct programs_job, job);
	struct programs *p = container_of(w, struct programs, work);

	switch (w->what) {
	case LOAD:
		w->err = observe_load(p->dir, p->group, &w->status);
		break;
	case ATTACH:
		w->err = observe_attach_probes(p->dir, &w->status);
		break;
	case PAYLOAD_ON:
	case PAYLOAD_OFF:
		w->err = observe_set_payload(p->dir, w->what == PAYLOAD_ON, &w->status);
		break;
	case UNLOAD:
		w->err = observe_unload(p->dir);
		break;
	}
}

static void done(struct job *j);

static int start(struct programs *p, int what)
{
	struct programs_job *w = &p->work;
	int err;

	w->what = what;
	w->job.work = work;
	w->job.done = done;
	err = job_start(&w->job, p->loop);
	w->running = !err;
	if (err)
		log_err("errno=%s msg=\"cannot start a thread for the kernel programs\"",
			log_errno(err));
	return err;
}

static void loaded(struct programs *p)
{
	p->status = p->work.status;
	p->adopted = p->status.adopted;
	p->stage = p->work.err ? PROGRAMS_FAILED : PROGRAMS_LOADED;
	if (p->work.err)
		log_warning("errno=%s msg=\"sockets of others are not seen: %s\"",
			    log_errno(p->work.err), p->status.text);
	else if (!start(p, ATTACH))
		log_info("adopted=%s msg=\"%s\"", p->adopted ? "yes" : "no", p->status.text);
}

static void attached(struct programs *p)
{
	unsigned n = 0;

	if (p->work.err) {
		log_warning("errno=%s msg=\"what happens to sockets is not seen: %s\"",
			    log_errno(p->work.err), p->work.status.text);
		return;
	}
	p->status = p->work.status;
	for (unsigned i = 0; i < p->status.n_programs; i++) {
		const struct observe_program *program = &p->status.programs[i];

		n += program->attached;
		if (program->error)
			log_warning("program=%s errno=%s msg=\"not attached: %s\"", program->name,
				    log_errno(program->error), program->text);
	}
	if (p->status.prune_error)
		log_warning("errno=%s msg=\"cannot forget the sockets that have closed unseen\"",
			    log_errno(p->status.prune_error));
	if (p->status.pruned)
		log_notice("sockets=%u msg=\"forgot sockets that have closed unseen\"",
			   p->status.pruned);
	if (p->status.waiting_for_tls)
		p->look_ns = now_ns() + LOOK_MS * NS_PER_MS;
	log_notice("attached=%u of=%u adopted=%s msg=\"%s\"", n, p->status.n_programs,
		   p->adopted ? "yes" : "no",
		   p->status.waiting_for_tls ? "programs wait for the tls module" :
					       "programs watch kernel TLS");
}

static void grant(struct programs *p, const char *error)
{
	p->wish = PROGRAMS_WISH_NONE;
	p->granted(p, error);
}

static void wish_done(struct programs *p)
{
	int err = p->work.err;

	if (!err && p->work.what == UNLOAD) {
		p->stage = PROGRAMS_UNLOADED;
		p->look_ns = 0;
		p->status = (struct observe_status){ .error = 0 };
	} else if (!err) {
		p->status = p->work.status;
	}
	p->changed(p);
	if (!err)
		grant(p, "");
	else if (err == -EAGAIN)
		grant(p, "the tls module is not loaded");
	else
		grant(p, p->work.what != UNLOAD && *p->work.status.text ? p->work.status.text :
									  strerror(-err));
}

/* Begins what is asked for, unless something is under way. */
static void begin_wish(struct programs *p)
{
	int err = 0;

	if (p->wish == PROGRAMS_WISH_NONE || p->work.running)
		return;
	if (p->wish == PROGRAMS_WISH_UNLOAD)
		err = start(p, UNLOAD);
	else if (p->stage != PROGRAMS_LOADED)
		grant(p, p->stage == PROGRAMS_FAILED ? p->status.text : "nothing is loaded");
	else
		err = start(p, p->wish == PROGRAMS_WISH_PAYLOAD ? PAYLOAD_ON : PAYLOAD_OFF);
	if (err)
		grant(p, strerror(-err));
}

static void done(struct job *j)
{
	struct programs *p = container_of(j, struct programs, work.job);

	p->work.running = false;
	switch (p->work.what) {
	case LOAD:
		loaded(p);
		p->changed(p);
		break;
	case ATTACH:
		attached(p);
		p->changed(p);
		break;
	default:
		wish_done(p);
	}
	begin_wish(p);
}

/* The verifier's words among them, a line each: to them an error's text refers. */
static void log_library(int priority, const char *line)
{
	if (priority <= LOG_LEVEL_WARNING)
		log_info("msg=\"%s\"", line);
}

void programs_start(struct programs *p, const char *runtime_directory, gid_t group)
{
	observe_set_log(log_library);
	p->group = group;
	snprintf(p->dir, sizeof(p->dir), "%s/bpf", runtime_directory);
	if (start(p, LOAD))
		p->stage = PROGRAMS_FAILED;
}

int programs_ask(struct programs *p, enum programs_wish wish)
{
	if (p->wish != PROGRAMS_WISH_NONE)
		return -EBUSY;
	p->wish = wish;
	begin_wish(p);
	return 0;
}

void programs_describe(const struct programs *p, struct programs_state *s)
{
	*s = (struct programs_state){ .stage = p->stage,
				      .error = p->status.error,
				      .since_ns = p->status.since_ns,
				      .adopted = p->adopted,
				      .waiting_for_tls = p->status.waiting_for_tls,
				      .payload = p->status.payload };
	snprintf(s->text, sizeof(s->text), "%s", p->status.text);
	for (; s->n < MIN_OF(p->status.n_programs, (unsigned)PROGRAMS_MAX); s->n++) {
		const struct observe_program *from = &p->status.programs[s->n];
		struct program_state *to = &s->programs[s->n];

		snprintf(to->name, sizeof(to->name), "%s", from->name);
		snprintf(to->text, sizeof(to->text), "%s", from->text);
		to->attached = from->attached;
		to->error = from->error;
	}
}

int programs_open_events(const struct programs *p)
{
	return p->stage == PROGRAMS_LOADED ? observe_open_events(p->dir) : -ENOENT;
}

uint64_t programs_next_deadline(const struct programs *p)
{
	return p->look_ns ? p->look_ns : UINT64_MAX;
}

void programs_expire(struct programs *p, uint64_t now)
{
	if (!p->look_ns || p->look_ns > now)
		return;
	p->look_ns = now + LOOK_MS * NS_PER_MS;
	if (!p->work.running && observe_tls_is_loaded() && !start(p, ATTACH))
		p->look_ns = 0;
}
