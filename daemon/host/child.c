/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts the server process, and again, later each time. */
#include "host/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/log.h"
#include "base/util.h"
#include "host/ipc.h"

enum { RESTART_MIN_MS = 200, RESTART_MAX_MS = 30000, STABLE_MS = 60000 };

static void exec_server(int fd)
{
	char number[16];
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	(void)fcntl(fd, F_SETFD, 0); /* it stays open; a dup() may find no descriptor */
	snprintf(number, sizeof(number), "%d", fd);
	execl("/proc/self/exe", "ktlsd", "--server", number, NULL);
	_exit(127);
}

int child_start(struct child *c)
{
	int fds[2], err = ipc_pair(fds);

	if (err)
		return err;
	c->pid = fork();
	if (c->pid < 0) {
		err = -errno;
		c->pid = 0;
		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (!c->pid)
		exec_server(fds[1]);
	close(fds[1]);
	c->started_ns = now_ns();
	c->restart_ns = 0;
	err = loop_add(c->loop, &c->channel, fds[0], EPOLLIN, true);
	if (err)
		close(fds[0]);
	else
		err = c->greet(c);
	if (err) /* then it ends, as one that has lost its monitor */
		child_hang_up(c);
	return err;
}

void child_hang_up(struct child *c)
{
	int fd = loop_remove(c->loop, &c->channel);

	fd_close(&fd);
}

void child_stop(struct child *c)
{
	c->stopping = true;
	if (!c->pid) {
		c->stopped(c);
		return;
	}
	/* It is another user. Without CAP_KILL it ends when it is alone. */
	if (kill(c->pid, SIGTERM))
		child_hang_up(c);
	c->kill_ns = now_ns() + c->stop_ms * NS_PER_MS;
}

static void describe_exit(int status, char text[static 64])
{
	if (WIFSIGNALED(status))
		snprintf(text, 64, "killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(text, 64, "exit status %d", WEXITSTATUS(status));
}

static void on_exit_of(struct child *c, int status)
{
	char how[64];
	bool stable = now_ns() - c->started_ns > STABLE_MS * NS_PER_MS;

	child_hang_up(c);
	c->pid = 0;
	if (c->stopping) {
		c->stopped(c);
		return;
	}
	c->ended(c);
	c->backoff_ms = stable || !c->backoff_ms ?
				RESTART_MIN_MS :
				MIN_OF(2 * c->backoff_ms, (unsigned)RESTART_MAX_MS);
	c->restart_ns = now_ns() + c->backoff_ms * NS_PER_MS;
	describe_exit(status, how);
	log_err("msg=\"the server has ended (%s): starting it again\" delay_ms=%u", how,
		c->backoff_ms);
}

/* Other children are the resolver's, which waits for them itself. */
void child_reap(struct child *c)
{
	int status;

	if (c->pid && waitpid(c->pid, &status, WNOHANG) == c->pid)
		on_exit_of(c, status);
}

uint64_t child_next_deadline(const struct child *c)
{
	return c->kill_ns ? c->kill_ns : c->restart_ns ? c->restart_ns : UINT64_MAX;
}

/* What it does not do, and what cannot be done about it, is left to whoever reads the log. */
static void give_up(struct child *c)
{
	child_hang_up(c);
	c->pid = 0;
	c->kill_ns = 0;
	c->stopped(c);
}

static void end_by_force(struct child *c, uint64_t now)
{
	if (c->killed) {
		log_err("server=%d waited_ms=%u msg=\"the server has not ended by SIGKILL, the "
			"kernel "
			"holds it: leaving it\"",
			c->pid, c->stop_ms);
		give_up(c);
		return;
	}
	log_warning("server=%d waited_ms=%u msg=\"the server has not ended by SIGTERM: SIGKILL\"",
		    c->pid, c->stop_ms);
	c->killed = true;
	c->kill_ns = now + c->stop_ms * NS_PER_MS;
	if (kill(c->pid, SIGKILL)) {
		log_err("errno=%s msg=\"cannot kill the server%s\"", log_errno(errno),
			CAPABILITY_LACK(CAP_KILL));
		give_up(c);
	}
}

void child_expire(struct child *c, uint64_t now)
{
	int err;

	if (c->pid && c->kill_ns && c->kill_ns <= now)
		end_by_force(c, now);
	if (!c->restart_ns || c->restart_ns > now || c->stopping)
		return;
	err = child_start(c);
	if (err) {
		log_err("errno=%s msg=\"cannot start the server\"", log_errno(err));
		c->restart_ns = c->pid ? 0 : now + RESTART_MAX_MS * NS_PER_MS;
	}
}
