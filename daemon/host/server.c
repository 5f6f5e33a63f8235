/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes what the monitor hands over, starts the workers, answers the API. */
#include "host/server.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include "base/log.h"
#include "base/util.h"
#include "host/api.h"
#include "host/api_drain.h"
#include "host/api_events.h"
#include "host/config.h"
#include "host/descriptors.h"
#include "host/exporter.h"
#include "host/ipc.h"
#include "host/pending.h"
#include "host/sandbox.h"
#include "host/service.h"
#include "tls/handshake.h"
#include "tls/ticket.h"

struct server {
	struct service service;
	struct watch monitor, signals;
	struct api *api;
	struct exporter *exporter;
	struct pending pending;
	char refusal[IPC_TEXT_MAX]; /* why what the monitor delivers cannot be taken; "": it can */
};

/* ---- messages of the monitor ---- */

static int commit(struct server *sv, char *error, size_t error_len)
{
	int err = service_commit(&sv->service, &sv->pending, error, error_len);

	if (err)
		return err;
	err = exporter_listen(sv->exporter, fd_take(&sv->pending.metrics_fd),
			      sv->pending.config->metrics.text);
	if (err)
		log_err("errno=%s msg=\"no metrics: the exporter cannot listen\"", log_errno(err));
	pending_fini(&sv->pending);
	return 0;
}

static void answer(struct server *sv, enum ipc_type type, const char *text)
{
	struct ipc_message m = { .type = type };
	int err;

	snprintf(m.text, sizeof(m.text), "%s", text);
	err = ipc_send(sv->monitor.fd, &m, NULL, 0);
	if (err)
		log_err("errno=%s msg=\"cannot answer the monitor\"", log_errno(err));
}

static void take_programs(struct service *s, int *fds, unsigned n)
{
	struct programs_state state;
	int err = n ? programs_state_unpack(fds[0], &state) : -EPROTO;

	if (!err) {
		observer_set_programs(&s->observer, &state);
		if (n > 1)
			err = events_open(&s->events, fd_take(&fds[1]));
		else
			events_close(&s->events);
	}
	if (err)
		log_err("errno=%s msg=\"cannot take what the monitor says of kernel programs\"",
			log_errno(err));
}

static void note_refusal(struct service *s)
{
	s->failed_reloads++;
	s->last_reload_failed = true;
}

/* The rest of the delivery is of no use; the monitor hears of it once, at its commit. */
static void refuse_delivery(struct server *sv, const char *why)
{
	if (!*sv->refusal)
		snprintf(sv->refusal, sizeof(sv->refusal), "%s", why);
}

static void take_delivery(struct server *sv, struct ipc_message *m, int *fds, unsigned n)
{
	struct config_error error = { "" };
	int err;

	if (m->type == IPC_CONFIG)
		*sv->refusal = '\0';
	if (*sv->refusal)
		return;
	err = pending_take(&sv->pending, m, fds, n, &error);
	if (err)
		refuse_delivery(sv, *error.text ? error.text : strerror(-err));
}

static void commit_delivery(struct server *sv)
{
	char why[IPC_TEXT_MAX] = "";
	int err = *sv->refusal ? 0 : commit(sv, why, sizeof(why));

	if (err)
		refuse_delivery(sv, *why ? why : strerror(-err));
	if (*sv->refusal) {
		note_refusal(&sv->service);
		answer(sv, IPC_FAILED, sv->refusal);
		pending_fini(&sv->pending);
		*sv->refusal = '\0';
	} else {
		sv->service.reloads++;
		answer(sv, IPC_OK, "");
	}
}

static void act_on(struct server *sv, struct ipc_message *m, int *fds, unsigned n)
{
	switch (m->type) {
	case IPC_CONFIG:
	case IPC_METRICS:
	case IPC_LISTEN:
		take_delivery(sv, m, fds, n);
		break;
	case IPC_REFUSED:
		note_refusal(&sv->service);
		break;
	case IPC_COMMIT:
		commit_delivery(sv);
		break;
	case IPC_RELOADED:
		api_reloaded(sv->api, m->text);
		break;
	case IPC_PROGRAMS:
		take_programs(&sv->service, fds, n);
		break;
	case IPC_OBSERVED:
		api_observed(sv->api, m->text);
		break;
	default:
		log_err("type=%u msg=\"the monitor sends what is unknown\"", (unsigned)m->type);
	}
}

/* Descriptors that did not fit are lost, and with them what they were for. */
static void miss_descriptors(struct server *sv, const struct ipc_message *m)
{
	if (m->type == IPC_CONFIG)
		*sv->refusal = '\0';
	if (m->type == IPC_CONFIG || m->type == IPC_METRICS || m->type == IPC_LISTEN)
		refuse_delivery(sv, "the server has no descriptor left for what the configuration "
				    "needs: raise LimitNOFILE or lower 'limits: connections'");
	else
		log_err("msg=\"no descriptor is left for what the monitor sends\"");
}

static void monitor_ready(struct watch *w, uint32_t events)
{
	struct server *sv = container_of(w, struct server, monitor);
	struct ipc_message m;
	int fds[IPC_FDS_MAX];
	unsigned n;
	int err = ipc_recv(w->fd, &m, fds, &n);

	(void)events;
	if (err == -ENOTCONN) {
		log_notice("msg=\"the monitor has gone, ending\"");
		loop_stop(&sv->service.loop);
		return;
	}
	if (err == -EMFILE)
		miss_descriptors(sv, &m);
	if (err)
		return;
	act_on(sv, &m, fds, n);
	for (unsigned i = 0; i < n; i++)
		fd_close(&fds[i]);
}

static int request_reload(struct service *s)
{
	struct server *sv = container_of(s, struct server, service);
	struct ipc_message m = { .type = IPC_RELOAD };

	return ipc_send(sv->monitor.fd, &m, NULL, 0);
}

static int request_observe(struct service *s, unsigned wish)
{
	struct server *sv = container_of(s, struct server, service);
	struct ipc_message m = { .type = IPC_OBSERVE, .index = wish };

	return ipc_send(sv->monitor.fd, &m, NULL, 0);
}

/* ---- the loop ---- */

static void signal_ready(struct watch *w, uint32_t events)
{
	struct server *sv = container_of(w, struct server, signals);
	struct signalfd_siginfo si;

	(void)events;
	if (read(w->fd, &si, sizeof(si)) == sizeof(si))
		loop_stop(&sv->service.loop);
}

static uint64_t next_deadline(struct loop *l)
{
	struct service *s = container_of(l, struct service, loop);
	uint64_t observer = observer_next_deadline(&s->observer);
	struct server *sv = container_of(s, struct server, service);
	uint64_t drain = api_drain_next(sv->api), exporter = exporter_next_deadline(sv->exporter);
	uint64_t events = events_next_deadline(&s->events);
	uint64_t first = MIN_OF(observer, drain);

	first = MIN_OF(first, exporter);
	return MIN_OF(first, events);
}

static void after_batch(struct loop *l, uint64_t now)
{
	struct service *s = container_of(l, struct service, loop);
	struct api *api = container_of(s, struct server, service)->api;

	observer_expire(&s->observer, now);
	events_expire(&s->events, now);
	api_events_tick(api);
	api_drain_tick(api, now);
	exporter_tick(container_of(s, struct server, service)->exporter, now);
	api_reap(api);
}

/* ---- start ---- */

/* Messages up to the first COMMIT, waiting for each. */
static int receive_start(struct server *sv)
{
	struct config_error error;
	struct ipc_message m;
	int fds[IPC_FDS_MAX];
	unsigned n;
	int err;

	do {
		err = ipc_recv(sv->monitor.fd, &m, fds, &n);
		if (err)
			return err;
		if (m.type != IPC_COMMIT)
			err = pending_take(&sv->pending, &m, fds, n, &error);
		for (unsigned i = 0; i < n; i++)
			fd_close(&fds[i]);
	} while (!err && m.type != IPC_COMMIT);
	return err;
}

static int watch_signals(struct server *sv)
{
	sigset_t mask;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT); /* Ctrl-C reaches us too: the monitor decides */
	sigprocmask(SIG_BLOCK, &mask, NULL);
	sigdelset(&mask, SIGINT);
	fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	sv->signals.ready = signal_ready;
	return loop_add(&sv->service.loop, &sv->signals, fd, EPOLLIN, true);
}

static int init_observer(struct server *sv)
{
	struct service *s = &sv->service;
	char dir[PATH_MAX];
	int err;

	snprintf(dir, sizeof(dir), "%s/bpf", sv->pending.config->runtime_directory);
	err = observer_init(&s->observer, &s->loop, dir);
	return err ? err : events_init(&s->events, &s->loop);
}

/* From the first message to serving. */
static int start(struct server *sv, char *error, size_t error_len)
{
	struct service *s = &sv->service;
	_cleanup_free_ struct pipe_pool *pools = NULL;
	int err, api_fd;

	descriptors_raise();
	err = receive_start(sv);
	if (err)
		return err;
	s->started_ns = now_ns();
	s->admin_uid = geteuid();
	pools = service_make_pipes(sv->pending.config);
	err = pools ? sandbox_drop(sv->pending.head.uid, sv->pending.head.gid, error, error_len) :
		      -ENOMEM;
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* after the change of user, which forgets it */
	if (!err)
		err = sandbox_seccomp();
	if (!err)
		err = limits_init(&s->limits);
	if (!err)
		err = loop_init(&s->loop);
	if (!err)
		err = watch_signals(sv);
	if (!err)
		err = init_observer(sv);
	if (!err)
		err = service_run_probe(s);
	s->tickets = ticket_keys_new();
	if (!err)
		err = s->tickets ? service_start_workers(s, pools, sv->pending.config->workers) :
				   -ENOMEM;
	if (!err && !(sv->exporter = exporter_new(s)))
		err = -ENOMEM;
	if (err)
		return err;
	api_fd = fd_take(&sv->pending.api_fd);
	err = commit(sv, error, error_len);
	if (!err && !(sv->api = api_new(s, api_fd)))
		err = -ENOMEM;
	return err ? err : loop_add(&s->loop, &sv->monitor, sv->monitor.fd, EPOLLIN, true);
}

static void server_fini(struct server *sv)
{
	service_stop_workers(&sv->service);
	api_free(sv->api);
	exporter_free(sv->exporter);
	pending_fini(&sv->pending);
	service_fini(&sv->service);
}

/*
 * Large blocks (ten thousand sockets of a walk, say) go back to the system when they are freed. Of
 * itself the C library would raise the limit to the largest one and keep the next in its heaps.
 */
static void keep_heaps_small(void)
{
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

/* Why it cannot start, where nothing is said yet. */
static void explain(int err, char *error, size_t error_len)
{
	struct descriptors d;

	descriptors_read(&d);
	if (err == -EMFILE)
		snprintf(error, error_len,
			 "%s: %u are too few, raise LimitNOFILE= of the unit (ulimit -Hn)",
			 strerror(-err), d.limit);
	else
		snprintf(error, error_len, "%s", strerror(-err));
}

int server_run(int fd)
{
	static struct server sv;
	char error[IPC_TEXT_MAX] = "";
	int err;

	keep_heaps_small();
	prctl(PR_SET_NAME, "ktlsd-server"); /* exec by /proc/self/exe has left "exe" */
	sv.monitor = (struct watch){ .ready = monitor_ready, .fd = fd };
	pending_init(&sv.pending);
	sv.service.request_reload = request_reload;
	sv.service.request_observe = request_observe;
	err = handshake_global_init();
	if (!err)
		err = start(&sv, error, sizeof(error));
	if (err) {
		if (!*error)
			explain(err, error, sizeof(error));
		answer(&sv, IPC_FAILED, error);
		return EXIT_FAILURE;
	}
	sv.service.loop.next_deadline = next_deadline;
	sv.service.loop.after_batch = after_batch;
	answer(&sv, IPC_OK, "");
	loop_run(&sv.service.loop);
	server_fini(&sv);
	return EXIT_SUCCESS;
}
