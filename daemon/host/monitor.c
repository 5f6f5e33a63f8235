/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration, sockets, and what is said to the server. */
#include "host/monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"
#include "host/candidate.h"
#include "host/child.h"
#include "host/config.h"
#include "host/delivery.h"
#include "host/descriptors.h"
#include "host/endpoint.h"
#include "host/ipc.h"
#include "host/listen.h"
#include "host/notify.h"
#include "host/premises.h"
#include "host/programs.h"
#include "host/version.h"
#include "tls/handshake.h"

/* The server ends its connections at once and waits for none: no time of the configuration is in
 * this. Kubernetes gives the two of us 15 s. */
enum { STOP_MS = 10000 };

struct monitor {
	struct loop loop;
	struct watch signals;
	struct child server;
	struct programs programs;
	struct config *config;
	struct config *next; /* sent to the server, not yet answered */
	struct listen_set *sockets;
	struct premises premises;
	struct endpoint metrics, next_metrics; /* the latter with `next` */
	bool ready;			       /* the server serves */
	bool api_asked;
	int status;
};

/* ---- what the server is given ---- */

static int send_config(struct monitor *m, const struct config *c, const struct endpoint *metrics)
{
	return delivery_send(m->server.channel.fd,
			     &(struct delivery){ .config = c,
						 .sockets = m->sockets,
						 .metrics_fd = metrics->fd,
						 .api_fd = m->ready ? -1 : m->premises.api_fd,
						 .uid = m->premises.uid,
						 .gid = m->premises.gid });
}

/* Without a server there will be another that is told. */
static int send_programs(struct monitor *m)
{
	if (m->server.channel.fd < 0)
		return 0;
	return delivery_send_programs(m->server.channel.fd, &m->programs);
}

/* ---- what the server says ---- */

static void answer(struct monitor *m, enum ipc_type type, const char *text)
{
	struct ipc_message msg = { .type = type };

	snprintf(msg.text, sizeof(msg.text), "%s", text);
	ipc_send(m->server.channel.fd, &msg, NULL, 0);
}

static void answer_api(struct monitor *m, const char *text)
{
	if (m->api_asked)
		answer(m, IPC_RELOADED, text);
	m->api_asked = false;
}

static void forget_next(struct monitor *m)
{
	endpoint_close(&m->next_metrics, &m->metrics);
	config_free(m->next);
	m->next = NULL;
}

static void on_ok(struct monitor *m)
{
	if (m->next) {
		config_free(m->config);
		m->config = m->next;
		m->next = NULL;
		endpoint_close(&m->metrics, &m->next_metrics);
		m->metrics = m->next_metrics;
		m->next_metrics = ENDPOINT_NONE;
		listen_set_prune(m->sockets, m->config);
		log_notice("config=%s listeners=%u msg=\"reloaded\"", m->config->path,
			   m->config->n_listeners);
		answer_api(m, "");
		notify("READY=1");
		return;
	}
	m->ready = true;
	notify("READY=1\nSTATUS=serving");
	log_notice("version=%s pid=%d server=%d listeners=%u workers=%u msg=\"ready\"",
		   KTLSD_VERSION, getpid(), m->server.pid, m->config->n_listeners,
		   m->config->workers);
}

static void on_failed(struct monitor *m, const char *text)
{
	if (m->next) {
		log_err("config=%s msg=\"reload refused, the former configuration goes on: %s\"",
			m->next->path, text);
		forget_next(m);
		listen_set_prune(m->sockets, m->config);
		answer_api(m, text);
		notify("READY=1");
		return;
	}
	if (m->ready) { /* it serves: whatever this is about, it is no start */
		log_err("msg=\"the server refuses what nobody has sent: %s\"", text);
		return;
	}
	log_err("msg=\"the server cannot start: %s\"", text);
	if (!m->server.backoff_ms) { /* the first start: somebody is watching */
		m->status = EXIT_FAILURE;
		child_stop(&m->server);
	}
}

static void reload(struct monitor *m);

static void server_ready(struct watch *w, uint32_t events)
{
	struct monitor *m = container_of(w, struct monitor, server.channel);
	struct ipc_message msg;
	int fds[IPC_FDS_MAX];
	unsigned n;
	int err = ipc_recv(w->fd, &msg, fds, &n);

	(void)events;
	if (err == -ENOTCONN) {
		child_hang_up(&m->server);
		return; /* SIGCHLD tells the rest */
	}
	if (err)
		return;
	for (unsigned i = 0; i < n; i++)
		close(fds[i]); /* the server has none to give */
	if (msg.type == IPC_OK) {
		on_ok(m);
	} else if (msg.type == IPC_FAILED) {
		on_failed(m, msg.text);
	} else if (msg.type == IPC_RELOAD) {
		m->api_asked = true;
		reload(m);
	} else if (msg.type == IPC_OBSERVE && msg.index < PROGRAMS_N_WISHES) {
		err = programs_ask(&m->programs, (enum programs_wish)msg.index);
		if (err)
			answer(m, IPC_OBSERVED, "the programs are being changed already");
	}
}

/* ---- the server's life ---- */

static int greet_server(struct child *c)
{
	struct monitor *m = container_of(c, struct monitor, server);
	int err;

	m->ready = false;
	err = send_config(m, m->config, &m->metrics);
	return err ? err : send_programs(m);
}

/* Who waited for a reload has gone with the server; sockets of it would listen for nobody. */
static void server_ended(struct child *c)
{
	struct monitor *m = container_of(c, struct monitor, server);

	forget_next(m);
	listen_set_prune(m->sockets, m->config);
	m->api_asked = false;
}

static void server_stopped(struct child *c)
{
	loop_stop(&container_of(c, struct monitor, server)->loop);
}

static void prepare_server(struct monitor *m)
{
	m->server.loop = &m->loop;
	m->server.channel.ready = server_ready;
	m->server.channel.fd = -1;
	m->server.greet = greet_server;
	m->server.ended = server_ended;
	m->server.stopped = server_stopped;
	m->server.stop_ms = STOP_MS;
}

/* ---- configuration ---- */

static void refuse_reload(struct monitor *m, struct config *c, const char *why)
{
	struct ipc_message msg = { .type = IPC_REFUSED };

	log_err("msg=\"reload refused, the former configuration goes on: %s\"", why);
	endpoint_close(&m->next_metrics, &m->metrics);
	ipc_send(m->server.channel.fd, &msg, NULL, 0);
	answer_api(m, why);
	config_free(c);
	notify("READY=1");
}

static void reload(struct monitor *m)
{
	char why[IPC_TEXT_MAX];
	struct config *c;
	int err;

	if (m->next || !m->ready) {
		answer_api(m, "a reload or a start is under way");
		return;
	}
	notify("RELOADING=1");
	c = candidate_load(m->config->path, why, sizeof(why));
	if (!c) {
		refuse_reload(m, NULL, why);
		return;
	}
	if (c->workers != m->config->workers) {
		refuse_reload(m, c, "'workers' cannot change by a reload: restart ktlsd");
		return;
	}
	if (endpoint_open(&m->next_metrics, &m->metrics, &c->metrics, m->premises.gid, why,
			  sizeof(why)) ||
	    listen_set_open(m->sockets, c, why, sizeof(why))) {
		refuse_reload(m, c, why);
		return;
	}
	err = send_config(m, c, &m->next_metrics);
	if (err)
		refuse_reload(m, c, strerror(-err));
	else
		m->next = c;
}

static void programs_changed(struct programs *p)
{
	struct monitor *m = container_of(p, struct monitor, programs);
	int err = send_programs(m);

	if (err)
		log_err("errno=%s msg=\"cannot tell the server of the programs\"", log_errno(err));
}

static void wish_granted(struct programs *p, const char *error)
{
	answer(container_of(p, struct monitor, programs), IPC_OBSERVED, error);
}

static void start_programs(struct monitor *m)
{
	m->programs.loop = &m->loop;
	m->programs.changed = programs_changed;
	m->programs.granted = wish_granted;
	programs_start(&m->programs, m->config->runtime_directory,
		       m->premises.gid == UINT32_MAX ? getegid() : m->premises.gid);
}

/* ---- the loop ---- */

static void stop(struct monitor *m)
{
	notify("STOPPING=1");
	child_stop(&m->server);
}

static void signal_ready(struct watch *w, uint32_t events)
{
	struct monitor *m = container_of(w, struct monitor, signals);
	struct signalfd_siginfo si;

	(void)events;
	if (read(w->fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGCHLD)
		child_reap(&m->server);
	else if (si.ssi_signo == SIGHUP)
		reload(m);
	else if (!m->server.stopping)
		stop(m);
}

static uint64_t next_deadline(struct loop *l)
{
	const struct monitor *m = container_of(l, struct monitor, loop);
	uint64_t programs = programs_next_deadline(&m->programs);
	uint64_t server = child_next_deadline(&m->server);

	return MIN_OF(programs, server);
}

static void after_batch(struct loop *l, uint64_t now)
{
	struct monitor *m = container_of(l, struct monitor, loop);

	child_expire(&m->server, now);
	programs_expire(&m->programs, now);
}

static int watch_signals(struct monitor *m)
{
	sigset_t mask;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	m->signals.ready = signal_ready;
	return loop_add(&m->loop, &m->signals, fd, EPOLLIN, true);
}

/* The server would only fail later, and with less to say. */
static int check_descriptors(const struct config *c, char *why, size_t why_len)
{
	unsigned least = descriptors_least(c->workers, c->n_listeners);
	struct descriptors d;

	descriptors_raise();
	descriptors_read(&d);
	if (d.limit >= least)
		return 0;
	snprintf(why, why_len,
		 "%u descriptors are too few for %u workers and %u listeners, which need %u: raise "
		 "LimitNOFILE= of the unit (ulimit -Hn)",
		 d.limit, c->workers, c->n_listeners, least);
	return -EMFILE;
}

static int start(struct monitor *m, const char *path)
{
	char why[IPC_TEXT_MAX];
	int err;

	m->config = candidate_load(path, why, sizeof(why));
	if (!m->config || check_descriptors(m->config, why, sizeof(why)) ||
	    listen_set_open(m->sockets, m->config, why, sizeof(why))) {
		log_err("msg=\"%s\"", why);
		return -EINVAL;
	}
	err = premises_open(&m->premises, m->config);
	if (err)
		return err;
	err = endpoint_open(&m->metrics, &m->metrics, &m->config->metrics, m->premises.gid, why,
			    sizeof(why));
	if (err) {
		log_err("msg=\"%s\"", why);
		return err;
	}
	err = child_start(&m->server);
	if (err)
		log_err("errno=%s msg=\"cannot start the server\"", log_errno(err));
	else
		start_programs(m);
	return err;
}

static void monitor_fini(struct monitor *m)
{
	premises_close(&m->premises, m->config);
	endpoint_close(&m->next_metrics, &m->metrics);
	endpoint_close(&m->metrics, NULL);
	listen_set_free(m->sockets);
	config_free(m->next);
	config_free(m->config);
}

int monitor_run(const char *path)
{
	static struct monitor m;

	m.premises = PREMISES_NONE;
	m.metrics = m.next_metrics = ENDPOINT_NONE;
	m.sockets = listen_set_new();
	if (!m.sockets || loop_init(&m.loop) || watch_signals(&m) || handshake_global_init()) {
		log_err("errno=%s msg=\"cannot start\"", log_errno(errno));
		return EXIT_FAILURE;
	}
	m.loop.next_deadline = next_deadline;
	m.loop.after_batch = after_batch;
	m.status = EXIT_SUCCESS;
	prepare_server(&m);
	if (start(&m, path)) {
		m.status = EXIT_FAILURE;
		child_stop(&m.server);
	}
	loop_run(&m.loop);
	monitor_fini(&m);
	log_notice("msg=\"ended\"");
	return m.status;
}
