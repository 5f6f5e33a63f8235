/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts the workers, gives them configurations, ends them. */
#include "host/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/util.h"
#include "host/config.h"
#include "host/descriptors.h"
#include "host/pending.h"
#include "tls/ticket.h"

/* ---- start ---- */

/* Of all workers together: as many as wanted, or as the limit of descriptors leaves room for. */
static unsigned plan_pipes(const struct config *c)
{
	struct descriptors d;
	unsigned n;

	descriptors_read(&d);
	n = descriptors_pipes(&d, c->workers, c->n_listeners, c->limits.pipes);
	if (n < c->limits.pipes)
		log_warning("pipes=%u wanted=%u descriptors=%u msg=\"fewer pipes than 'limits: "
			    "pipes' wants, or the limit of descriptors would leave too few for "
			    "connections: raise LimitNOFILE= of the unit (ulimit -Hn)\"",
			    n, c->limits.pipes, d.limit);
	return n;
}

/* Told once, not by every worker. */
struct pipe_pool *service_make_pipes(const struct config *c)
{
	struct pipe_pool *pools = calloc(c->workers, sizeof(*pools));
	unsigned n = plan_pipes(c), made = 0;
	int err = 0;

	for (unsigned i = 0; pools && i < c->workers; i++) {
		/* the first ones have what does not come out even */
		int e = pipe_pool_init(&pools[i], n / c->workers + (i < n % c->workers));

		err = e ? e : err;
		made += pools[i].n;
	}
	if (err)
		log_warning("errno=%s pipes=%u wanted=%u msg=\"fewer pipes than 'limits: pipes' "
			    "wants\"",
			    log_errno(err), made, c->limits.pipes);
	return pools;
}

int service_start_workers(struct service *s, struct pipe_pool *pools, unsigned n)
{
	s->workers = calloc(n, sizeof(*s->workers));
	if (!s->workers)
		return -ENOMEM;
	for (; s->n_workers < n; s->n_workers++) {
		int err = worker_start(&s->workers[s->n_workers], s->n_workers, &s->limits,
				       pools[s->n_workers]);

		if (err)
			return err;
	}
	return 0;
}

int service_run_probe(struct service *s)
{
	int err;

	s->probe = calloc(1, sizeof(*s->probe));
	if (!s->probe)
		return -ENOMEM;
	err = probe_run(s->probe);
	if (err) {
		log_warning("errno=%s msg=\"the probe could not run: everything stays in user "
			    "space\"",
			    log_errno(err));
		s->probe->ulp_err = -err;
	}
	atomic_store(&s->limits.probe, s->probe);
	log_notice("ktls=%s rekey=%s aes_driver=\"%s\" duration_ms=%u msg=\"probed\"",
		   s->probe->ulp_err ? log_errno(s->probe->ulp_err) : "yes",
		   probe_has_rekey(s->probe) ? "yes" : "no", s->probe->aes_driver,
		   s->probe->duration_ms);
	return 0;
}

/* ---- configurations ---- */

/* Hands each worker its sockets; they are the workers' then. */
static void hand_out(struct service *s, struct pending *p)
{
	unsigned n = p->config->n_listeners;
	_cleanup_free_ int *mine = calloc(n + 1, sizeof(*mine));

	free(s->listen_fds);
	s->listen_fds = calloc((size_t)n * s->n_workers + 1, sizeof(*s->listen_fds));
	for (unsigned i = 0; s->listen_fds && i < n; i++)
		memcpy(s->listen_fds + i * s->n_workers, p->fds[i],
		       s->n_workers * sizeof(*s->listen_fds));

	for (unsigned w = 0; mine && w < s->n_workers; w++) {
		for (unsigned i = 0; i < n; i++)
			mine[i] = fd_take(&p->fds[i][w]);
		worker_set_ports(&s->workers[w], s->runtime.listeners, mine, n);
	}
	for (unsigned i = 0; i < n; i++)
		p->n_fds[i] = 0;
}

static void set_limits(struct service *s, const struct config_limits *l)
{
	atomic_store(&s->limits.max_connections, l->connections);
	atomic_store(&s->limits.max_handshakes, l->handshakes);
	atomic_store(&s->limits.max_handshake_rate, l->handshake_rate);
	atomic_store(&s->limits.max_per_address, l->connections_per_address);
	atomic_store(&s->limits.max_key_records, l->key_records);
}

int service_commit(struct service *s, struct pending *p, char *error, size_t error_len)
{
	struct runtime next;
	int err;

	if (!pending_is_complete(p, s->n_workers)) {
		snprintf(error, error_len,
			 "the number of workers cannot change by a reload: restart");
		return -EINVAL;
	}
	err = runtime_build(&next, p->config, &s->runtime, s->tickets, error, error_len);
	if (err)
		return err;
	runtime_fini(&s->runtime);
	s->runtime = next;
	set_limits(s, &p->config->limits);
	free(s->config_path);
	s->config_path = strdup(p->config->path);
	hand_out(s, p);
	s->configured_s = time(NULL);
	s->last_reload_failed = false;
	return 0;
}

/* ---- end ---- */

void service_stop_workers(struct service *s)
{
	for (unsigned i = 0; i < s->n_workers; i++)
		worker_stop(&s->workers[i]);
}

void service_fini(struct service *s)
{
	free(s->listen_fds);
	runtime_fini(&s->runtime);
	observer_fini(&s->observer);
	events_fini(&s->events);
	ticket_keys_free(s->tickets);
	free(s->workers);
	limits_fini(&s->limits);
	free(s->probe);
	free(s->config_path);
}
