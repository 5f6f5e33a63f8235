/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listeners and their accept queues. */
#include "host/metrics.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "host/metrics_part.h"
#include "host/service.h"
#include "serve/listener.h"
#include "tls/handshake.h"

/* include/net/tcp_states.h */
enum { STATE_LISTEN = 10 };

static void write_info(struct metrics_part *p)
{
	const struct runtime *rt = &p->service->runtime;

	for (unsigned i = 0; i < rt->n_listeners; i++)
		exposition_put_int(p->out, METRIC_LISTENER_INFO,
				   LABELS(rt->listeners[i]->name, rt->listeners[i]->address,
					  rt->listeners[i]->backend_text),
				   1);
	for (unsigned i = 0; i < rt->n_listeners; i++)
		exposition_put_int(p->out, METRIC_LISTENER_UP, LABELS(rt->listeners[i]->name),
				   !atomic_load(&rt->listeners[i]->draining));
}

static void write_policies(struct metrics_part *p)
{
	const struct runtime *rt = &p->service->runtime;

	for (unsigned i = 0; i < rt->n_listeners; i++)
		for (int d = 0; d < N_DIRECTIONS; d++) {
			struct listener *l = rt->listeners[i];
			int policy = atomic_load(&l->policy[d]);

			exposition_put_int(p->out, METRIC_LISTENER_POLICY,
					   LABELS(l->name, direction_name((enum direction)d),
						  policy_name((enum policy_value)policy)),
					   1);
		}
	for (unsigned i = 0; i < rt->n_listeners; i++)
		exposition_put_int(p->out, METRIC_LISTENER_OVERRIDDEN,
				   LABELS(rt->listeners[i]->name),
				   atomic_load(&rt->listeners[i]->overridden));
}

static void write_totals(struct metrics_part *p)
{
	const struct runtime *rt = &p->service->runtime;

	for (unsigned i = 0; i < rt->n_listeners; i++)
		exposition_put_int(p->out, METRIC_LISTENER_CONNECTIONS,
				   LABELS(rt->listeners[i]->name),
				   count_get(&rt->listeners[i]->totals->open));
	for (unsigned i = 0; i < rt->n_listeners; i++)
		for (int d = 0; d < N_DIRECTIONS; d++)
			exposition_put_int(p->out, METRIC_LISTENER_KERNEL,
					   LABELS(rt->listeners[i]->name,
						  direction_name((enum direction)d)),
					   count_get(&rt->listeners[i]->totals->kernel[d]));
	for (unsigned i = 0; i < rt->n_listeners; i++)
		exposition_put_int(p->out, METRIC_LISTENER_ACCEPTED, LABELS(rt->listeners[i]->name),
				   count_get(&rt->listeners[i]->totals->accepted));
}

/* A file that is named twice in a listener is one series. */
static bool is_repeated(const struct listener *l, unsigned certificate, const char *path)
{
	const char *other;
	int64_t not_after;

	for (unsigned k = 0; k < certificate; k++)
		if (handshake_offer_certificate(l->offer, k, &other, &not_after) &&
		    !strcmp(path, other))
			return true;
	return false;
}

static void write_certificates(struct metrics_part *p)
{
	const struct runtime *rt = &p->service->runtime;
	const char *path;
	int64_t not_after;

	for (unsigned i = 0; i < rt->n_listeners; i++)
		for (unsigned k = 0;
		     handshake_offer_certificate(rt->listeners[i]->offer, k, &path, &not_after);
		     k++)
			if (!is_repeated(rt->listeners[i], k, path))
				exposition_put_int(p->out, METRIC_CERTIFICATE_END,
						   LABELS(rt->listeners[i]->name, path),
						   (uint64_t)not_after);
}

struct queue {
	uint64_t length, limit;
	unsigned sockets;
};

/* tcp(7), TCP_INFO of a socket that listens: unacked is its queue, sacked what fits in. */
static struct queue read_queue(const struct service *s, unsigned listener)
{
	struct queue q = { 0 };

	for (unsigned w = 0; w < s->n_workers; w++) {
		struct tcp_info info;
		socklen_t len = sizeof(info);

		if (getsockopt(s->listen_fds[listener * s->n_workers + w], IPPROTO_TCP, TCP_INFO,
			       &info, &len) ||
		    info.tcpi_state != STATE_LISTEN)
			continue;
		q.length += info.tcpi_unacked;
		q.limit += info.tcpi_sacked;
		q.sockets++;
	}
	return q;
}

/* A listener that was drained has no queue. */
static void write_queues(struct metrics_part *p)
{
	const struct runtime *rt = &p->service->runtime;
	_cleanup_free_ struct queue *queues = calloc(rt->n_listeners + 1, sizeof(*queues));

	if (!queues)
		return;
	for (unsigned i = 0; i < rt->n_listeners; i++) {
		queues[i] = read_queue(p->service, i);
		p->up[SOURCE_ACCEPT_QUEUE] |= queues[i].sockets;
	}
	for (unsigned i = 0; i < rt->n_listeners; i++)
		if (queues[i].sockets)
			exposition_put_int(p->out, METRIC_ACCEPT_QUEUE,
					   LABELS(rt->listeners[i]->name), queues[i].length);
	for (unsigned i = 0; i < rt->n_listeners; i++)
		if (queues[i].sockets)
			exposition_put_int(p->out, METRIC_ACCEPT_QUEUE_LIMIT,
					   LABELS(rt->listeners[i]->name), queues[i].limit);
}

void metrics_write_listeners(struct metrics_part *p)
{
	write_info(p);
	write_policies(p);
	write_totals(p);
	write_certificates(p);
	if (p->service->listen_fds)
		write_queues(p);
}
