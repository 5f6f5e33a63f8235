/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration, sockets and the server's life. */
#include "host/monitor.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"
#include "bpf/observe.h"
#include "host/config.h"
#include "host/ipc.h"
#include "host/listen.h"
#include "host/notify.h"
#include "host/runtime.h"
#include "host/version.h"
#include "tls/handshake.h"

enum { RESTART_MIN_MS = 200, RESTART_MAX_MS = 30000, STOP_MS = 10000, STABLE_MS = 60000 };

struct monitor {
	struct loop loop;
	struct watch signals, server;
	struct config *config;
	struct config *next; /* sent to the server, not yet answered */
	struct listen_set *sockets;
	int api_fd;
	uint32_t uid, gid;
	pid_t server_pid;
	uint64_t server_started_ns;
	uint64_t restart_ns; /* when to start the server again; 0: it runs */
	uint64_t kill_ns;    /* when to kill a server that does not stop */
	unsigned backoff_ms;
	bool stopping, ready, api_asked;
	int status;
	char observer_why[256];
};

/* ---- handing a configuration to the server ---- */

static int send_sockets(struct monitor *m, const struct config *c)
{
	for (unsigned i = 0; i < c->n_listeners; i++) {
		const int *fds = listen_set_find(m->sockets, &c->listeners[i]);

		for (unsigned n = 0; n < c->workers; n += IPC_FDS_MAX) {
			struct ipc_message msg = { .type = IPC_LISTEN, .index = i };
			int err = ipc_send(m->server.fd, &msg, fds + n,
					   MIN_OF(c->workers - n, (unsigned)IPC_FDS_MAX));

			if (err)
				return err;
		}
	}
	return 0;
}

static int send_config(struct monitor *m, const struct config *c)
{
	struct ipc_message msg = { .type = IPC_CONFIG, .uid = m->uid, .gid = m->gid };
	struct ipc_message commit = { .type = IPC_COMMIT };
	_cleanup_fd_ int packed = config_pack(c);
	int fds[] = { packed, m->api_fd };
	int err;

	if (packed < 0)
		return packed;
	snprintf(msg.text, sizeof(msg.text), "%s", m->observer_why);
	err = ipc_send(m->server.fd, &msg, fds, m->ready ? 1 : 2);
	if (!err)
		err = send_sockets(m, c);
	return err ? err : ipc_send(m->server.fd, &commit, NULL, 0);
}

/* ---- the server's life ---- */

static void exec_server(int fd)
{
	char number[16];
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(number, sizeof(number), "%d", dup(fd)); /* without close-on-exec */
	execl("/proc/self/exe", "ktlsd", "--server", number, NULL);
	_exit(127);
}

static void server_ready(struct watch *w, uint32_t events);

static int start_server(struct monitor *m)
{
	int fds[2], err = ipc_pair(fds);

	if (err)
		return err;
	m->server_pid = fork();
	if (m->server_pid < 0) {
		err = -errno;
		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (!m->server_pid)
		exec_server(fds[1]);
	close(fds[1]);
	m->server_started_ns = now_ns();
	m->restart_ns = 0;
	m->ready = false;
	m->server.ready = server_ready;
	err = loop_add(&m->loop, &m->server, fds[0], EPOLLIN, true);
	return err ? err : send_config(m, m->config);
}

static void close_server(struct monitor *m)
{
	int fd = loop_remove(&m->loop, &m->server);

	fd_close(&fd);
}

static void answer_api(struct monitor *m, const char *text)
{
	struct ipc_message msg = { .type = IPC_RELOADED };

	if (!m->api_asked)
		return;
	m->api_asked = false;
	snprintf(msg.text, sizeof(msg.text), "%s", text);
	ipc_send(m->server.fd, &msg, NULL, 0);
}

static void on_ok(struct monitor *m)
{
	if (m->next) {
		config_free(m->config);
		m->config = m->next;
		m->next = NULL;
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
		   KTLSD_VERSION, getpid(), m->server_pid, m->config->n_listeners,
		   m->config->workers);
}

static void on_failed(struct monitor *m, const char *text)
{
	if (m->next) {
		log_err("config=%s msg=\"reload refused, the former configuration goes on: %s\"",
			m->next->path, text);
		config_free(m->next);
		m->next = NULL;
		listen_set_prune(m->sockets, m->config);
		answer_api(m, text);
		notify("READY=1");
		return;
	}
	log_err("msg=\"the server cannot start: %s\"", text);
	if (m->server_started_ns && !m->backoff_ms) { /* the first start: somebody is watching */
		m->stopping = true;
		m->status = EXIT_FAILURE;
	}
}

static void reload(struct monitor *m);

static void server_ready(struct watch *w, uint32_t events)
{
	struct monitor *m = container_of(w, struct monitor, server);
	struct ipc_message msg;
	int fds[IPC_FDS_MAX];
	unsigned n;
	int err = ipc_recv(w->fd, &msg, fds, &n);

	(void)events;
	if (err == -ENOTCONN) {
		close_server(m);
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
	}
}

static void describe_exit(int status, char text[static 64])
{
	if (WIFSIGNALED(status))
		snprintf(text, 64, "killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(text, 64, "exit status %d", WEXITSTATUS(status));
}

static void on_server_exit(struct monitor *m, int status)
{
	char how[64];
	bool stable = now_ns() - m->server_started_ns > STABLE_MS * NS_PER_MS;

	close_server(m);
	m->server_pid = 0;
	if (m->next) {
		config_free(m->next);
		m->next = NULL;
	}
	if (m->stopping) {
		loop_stop(&m->loop);
		return;
	}
	m->backoff_ms = stable || !m->backoff_ms ?
				RESTART_MIN_MS :
				MIN_OF(2 * m->backoff_ms, (unsigned)RESTART_MAX_MS);
	m->restart_ns = now_ns() + m->backoff_ms * NS_PER_MS;
	describe_exit(status, how);
	log_err("msg=\"the server has ended (%s): starting it again\" delay_ms=%u", how,
		m->backoff_ms);
}

/* Other children are the resolver's, which waits for them itself. */
static void reap(struct monitor *m)
{
	int status;

	if (m->server_pid && waitpid(m->server_pid, &status, WNOHANG) == m->server_pid)
		on_server_exit(m, status);
}

static void stop(struct monitor *m)
{
	m->stopping = true;
	notify("STOPPING=1");
	if (!m->server_pid) {
		loop_stop(&m->loop);
		return;
	}
	kill(m->server_pid, SIGTERM);
	m->kill_ns = now_ns() + STOP_MS * NS_PER_MS;
}

/* ---- configuration ---- */

/* Builds what the server would build, only to see that it can be. */
static int validate(const struct config *c, char *error, size_t error_len)
{
	struct runtime rt;
	int err = runtime_build(&rt, c, NULL, NULL, error, error_len);

	if (!err)
		runtime_fini(&rt);
	return err;
}

static struct config *load(const char *path, char *text, size_t len)
{
	struct config_error error;
	struct config *c = config_load(path, &error);

	if (!c) {
		snprintf(text, len, "%s", error.text);
		return NULL;
	}
	for (unsigned i = 0; i < c->n_warnings; i++)
		log_warning("msg=\"%s\"", c->warnings[i]);
	if (!validate(c, text, len))
		return c;
	config_free(c);
	return NULL;
}

static void refuse_reload(struct monitor *m, struct config *c, const char *why)
{
	log_err("msg=\"reload refused, the former configuration goes on: %s\"", why);
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
	c = load(m->config->path, why, sizeof(why));
	if (!c) {
		refuse_reload(m, NULL, why);
		return;
	}
	if (c->workers != m->config->workers) {
		refuse_reload(m, c, "'workers' cannot change by a reload: restart ktlsd");
		return;
	}
	if (listen_set_open(m->sockets, c, why, sizeof(why))) {
		refuse_reload(m, c, why);
		return;
	}
	err = send_config(m, c);
	if (err)
		refuse_reload(m, c, strerror(-err));
	else
		m->next = c;
}

/* Whom the server becomes; only root can choose. */
static void find_user(struct monitor *m)
{
	const struct passwd *pw;
	const struct group *gr;

	m->uid = m->gid = UINT32_MAX;
	if (geteuid())
		return;
	pw = getpwnam(m->config->user); /* config_load() has seen that both exist */
	gr = m->config->group ? getgrnam(m->config->group) : NULL;
	m->uid = pw ? pw->pw_uid : 65534;
	m->gid = gr ? gr->gr_gid : pw ? pw->pw_gid : 65534;
}

static void load_observer(struct monitor *m)
{
	struct observe_status status;
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/bpf", m->config->runtime_directory);
	if (!observe_load(dir, m->gid == UINT32_MAX ? getegid() : m->gid, &status))
		return;
	snprintf(m->observer_why, sizeof(m->observer_why), "%s", status.text);
	log_warning("errno=%s msg=\"sockets of others are not seen: %s\"", log_errno(status.error),
		    status.text);
}

static int make_runtime_directory(const struct monitor *m)
{
	const char *dir = m->config->runtime_directory;

	if (mkdir(dir, 0750) && errno != EEXIST)
		return -errno;
	if (m->gid != UINT32_MAX && chown(dir, 0, m->gid))
		return -errno;
	return 0;
}

/* ---- the loop ---- */

static void signal_ready(struct watch *w, uint32_t events)
{
	struct monitor *m = container_of(w, struct monitor, signals);
	struct signalfd_siginfo si;

	(void)events;
	if (read(w->fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGCHLD)
		reap(m);
	else if (si.ssi_signo == SIGHUP)
		reload(m);
	else if (!m->stopping)
		stop(m);
}

static uint64_t next_deadline(struct loop *l)
{
	const struct monitor *m = container_of(l, struct monitor, loop);

	return m->kill_ns ? m->kill_ns : m->restart_ns ? m->restart_ns : UINT64_MAX;
}

static void after_batch(struct loop *l, uint64_t now)
{
	struct monitor *m = container_of(l, struct monitor, loop);
	int err;

	if (m->kill_ns && m->kill_ns <= now && m->server_pid) {
		log_warning("msg=\"the server does not stop: killing it\"");
		kill(m->server_pid, SIGKILL);
		m->kill_ns = 0;
	}
	if (!m->restart_ns || m->restart_ns > now || m->stopping)
		return;
	err = start_server(m);
	if (err) {
		log_err("errno=%s msg=\"cannot start the server\"", log_errno(err));
		m->restart_ns = now + RESTART_MAX_MS * NS_PER_MS;
	}
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

static int start(struct monitor *m, const char *path)
{
	char why[IPC_TEXT_MAX];
	int err;

	m->config = load(path, why, sizeof(why));
	if (!m->config || listen_set_open(m->sockets, m->config, why, sizeof(why))) {
		log_err("msg=\"%s\"", why);
		return -EINVAL;
	}
	find_user(m);
	err = make_runtime_directory(m);
	if (err) {
		log_err("errno=%s msg=\"cannot make %s\"", log_errno(err),
			m->config->runtime_directory);
		return err;
	}
	load_observer(m);
	m->api_fd = listen_unix(m->config->api_socket, m->gid);
	if (m->api_fd < 0) {
		log_err("errno=%s msg=\"cannot listen on %s\"", log_errno(m->api_fd),
			m->config->api_socket);
		return m->api_fd;
	}
	err = start_server(m);
	if (err)
		log_err("errno=%s msg=\"cannot start the server\"", log_errno(err));
	return err;
}

static void monitor_fini(struct monitor *m)
{
	char dir[PATH_MAX];

	close_server(m);
	if (m->config && m->api_fd >= 0) {
		unlink(m->config->api_socket);
		snprintf(dir, sizeof(dir), "%s/bpf", m->config->runtime_directory);
		observe_unload(dir);
	}
	fd_close(&m->api_fd);
	listen_set_free(m->sockets);
	config_free(m->next);
	config_free(m->config);
}

int monitor_run(const char *path)
{
	static struct monitor m;

	m.api_fd = m.server.fd = -1;
	m.sockets = listen_set_new();
	if (!m.sockets || loop_init(&m.loop) || watch_signals(&m) || handshake_global_init()) {
		log_err("errno=%s msg=\"cannot start\"", log_errno(errno));
		return EXIT_FAILURE;
	}
	m.loop.next_deadline = next_deadline;
	m.loop.after_batch = after_batch;
	m.status = EXIT_SUCCESS;
	if (start(&m, path))
		m.status = EXIT_FAILURE;
	else
		loop_run(&m.loop);
	if (m.server_pid) {
		kill(m.server_pid, SIGTERM);
		waitpid(m.server_pid, NULL, 0);
	}
	monitor_fini(&m);
	log_notice("msg=\"ended\"");
	return m.status;
}

int monitor_check(const char *path)
{
	struct config_error error;
	struct config *c = config_load(path, &error);

	if (c)
		for (unsigned i = 0; i < c->n_warnings; i++)
			fprintf(stderr, "%s\n", c->warnings[i]);
	if (!c || handshake_global_init() || validate(c, error.text, sizeof(error.text))) {
		fprintf(stderr, "%s\n", error.text);
		config_free(c);
		return EXIT_FAILURE;
	}
	printf("%s: ok, %u listener%s\n", c->path, c->n_listeners, c->n_listeners == 1 ? "" : "s");
	config_free(c);
	return EXIT_SUCCESS;
}
