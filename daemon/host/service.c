/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small acts on the whole service. */
#include "host/service.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "serve/listener.h"

void service_count(struct service *s, struct counters *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < s->n_workers; i++)
		counters_sum(sum, &s->workers[i].counters);
}

void service_set_probe(struct service *s, struct probe *p)
{
	struct probe *old = s->probe;

	s->probe = p;
	atomic_store(&s->limits.probe, p);
	for (unsigned i = 0; i < s->n_workers; i++)
		worker_sync(&s->workers[i]);
	free(old);
}

unsigned service_set_policy(struct service *s, const char *listener, int tx, int rx)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->runtime.n_listeners; i++) {
		struct listener *l = s->runtime.listeners[i];

		if (listener && strcmp(listener, l->name))
			continue;
		if (tx >= 0)
			atomic_store(&l->policy[TX], tx);
		if (rx >= 0)
			atomic_store(&l->policy[RX], rx);
		atomic_store(&l->overridden, true);
		log_notice("listener=%s msg=\"policy set at run time\" tx=%s rx=%s", l->name,
			   policy_name((enum policy_value)atomic_load(&l->policy[TX])),
			   policy_name((enum policy_value)atomic_load(&l->policy[RX])));
		n++;
	}
	return n;
}

static void set_draining(struct service *s, const char *listener, bool draining)
{
	for (unsigned i = 0; i < s->runtime.n_listeners; i++) {
		struct listener *l = s->runtime.listeners[i];

		if (!listener || !strcmp(listener, l->name))
			atomic_store(&l->draining, draining);
	}
}

bool service_has_listener(const struct service *s, const char *name)
{
	for (unsigned i = 0; i < s->runtime.n_listeners; i++)
		if (!strcmp(s->runtime.listeners[i]->name, name))
			return true;
	return false;
}

void service_drain(struct service *s, const char *listener, uint64_t timeout_ms)
{
	log_notice("listener=%s timeout_ms=%" PRIu64 " msg=\"draining\"", listener ? listener : "*",
		   timeout_ms);
	set_draining(s, listener, true);
	for (unsigned i = 0; i < s->n_workers; i++)
		worker_drain(&s->workers[i], listener, now_ns() + timeout_ms * NS_PER_MS);
}

int service_resume(struct service *s, const char *listener)
{
	int err = 0;

	for (unsigned i = 0; i < s->n_workers; i++) {
		int r = worker_resume(&s->workers[i], listener);

		err = r ? r : err;
	}
	if (!err)
		set_draining(s, listener, false);
	log_notice("listener=%s errno=%s msg=\"drain undone\"", listener ? listener : "*",
		   log_errno(err));
	return err;
}
