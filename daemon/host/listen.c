/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens, keeps and closes listening sockets. */
#include "host/listen.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <utlist.h>

#include "base/log.h"
#include "base/util.h"
#include "host/config.h"
#include "serve/listener.h"

struct entry {
	struct entry *next;
	struct config_address address;
	int *fds;
	unsigned n;
	bool is_new;
};

struct listen_set {
	struct entry *entries;
};

struct listen_set *listen_set_new(void)
{
	return calloc(1, sizeof(struct listen_set));
}

static void entry_free(struct entry *e)
{
	for (unsigned i = 0; i < e->n; i++)
		close(e->fds[i]);
	free(e->fds);
	free(e);
}

void listen_set_free(struct listen_set *set)
{
	struct entry *e, *next;

	if (!set)
		return;
	LL_FOREACH_SAFE(set->entries, e, next)
	entry_free(e);
	free(set);
}

static struct entry *find(const struct listen_set *set, const struct config_address *a)
{
	struct entry *e;

	LL_FOREACH(set->entries, e)
	if (e->address.len == a->len && !memcmp(e->address.bytes, a->bytes, a->len))
		return e;
	return NULL;
}

/* Accepted sockets inherit these, so that accepting costs no further calls. */
static void tune(int fd, const struct config_listener *l)
{
	const struct {
		int level, name;
		unsigned value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, l->keepalive.idle },
		{ IPPROTO_TCP, TCP_KEEPINTVL, l->keepalive.interval },
		{ IPPROTO_TCP, TCP_KEEPCNT, l->keepalive.count },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, l->user_timeout_ms },
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			       sizeof(options[i].value)))
			log_warning("listener=%s errno=%s msg=\"socket option %d of level %d\"",
				    l->name, log_errno(errno), options[i].name, options[i].level);
}

static int open_socket(const struct config_address *a)
{
	const struct sockaddr *addr = (const struct sockaddr *)a->bytes;
	_cleanup_fd_ int fd =
		socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)))
		return -errno;
	if (addr->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, addr, a->len) || listen(fd, LISTENER_BACKLOG))
		return -errno;
	return fd_take(&fd);
}

/*
 * SO_REUSEPORT lets two daemons of one user bind the same address and share its clients by
 * chance. A bind without it first tells whether somebody is there.
 */
static int check_free(const struct config_address *a)
{
	const struct sockaddr *addr = (const struct sockaddr *)a->bytes;
	_cleanup_fd_ int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	return bind(fd, addr, a->len) ? -errno : 0;
}

static int add(struct listen_set *set, const struct config_listener *l, unsigned workers)
{
	struct entry *e = calloc(1, sizeof(*e));
	int err = check_free(&l->address);

	if (e)
		e->fds = calloc(workers, sizeof(*e->fds));
	if (!e || !e->fds)
		err = -ENOMEM;
	while (!err && e->n < workers) {
		int fd = open_socket(&l->address);

		if (fd < 0)
			err = fd;
		else
			e->fds[e->n++] = fd;
	}
	if (err) {
		if (e)
			entry_free(e);
		return err;
	}
	e->address = l->address;
	e->is_new = true;
	LL_APPEND(set->entries, e);
	return 0;
}

static void close_new(struct listen_set *set)
{
	struct entry *e, *next;

	LL_FOREACH_SAFE(set->entries, e, next)
	if (e->is_new) {
		LL_DELETE(set->entries, e);
		entry_free(e);
	}
}

int listen_set_open(struct listen_set *set, const struct config *config, char *error,
		    size_t error_len)
{
	struct entry *e;

	LL_FOREACH(set->entries, e)
	e->is_new = false;
	for (unsigned i = 0; i < config->n_listeners; i++) {
		const struct config_listener *l = &config->listeners[i];
		int err = find(set, &l->address) ? 0 : add(set, l, config->workers);

		if (err) {
			snprintf(error, error_len, "listener %s: cannot listen on %s: %s", l->name,
				 l->text, strerror(-err));
			close_new(set);
			return err;
		}
		e = find(set, &l->address);
		assert(e); /* found, or just added */
		for (unsigned n = 0; n < e->n; n++)
			tune(e->fds[n], l);
	}
	return 0;
}

const int *listen_set_find(const struct listen_set *set, const struct config_listener *l)
{
	const struct entry *e = find(set, &l->address);

	assert(e); /* listen_set_open() has been there */
	return e->fds;
}

void listen_set_prune(struct listen_set *set, const struct config *config)
{
	struct entry *e, *next;

	LL_FOREACH_SAFE(set->entries, e, next)
	{
		bool wanted = false;

		for (unsigned i = 0; i < config->n_listeners; i++)
			wanted |= find(set, &config->listeners[i].address) == e;
		if (!wanted) {
			LL_DELETE(set->entries, e);
			entry_free(e);
		}
	}
}

int listen_tcp(const struct config_address *a)
{
	const struct sockaddr *addr = (const struct sockaddr *)a->bytes;
	_cleanup_fd_ int fd =
		socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	return bind(fd, addr, a->len) || listen(fd, 128) ? -errno : fd_take(&fd);
}

int listen_unix(const char *path, unsigned gid)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t before;
	int err;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -EADDRINUSE; /* somebody answers there */
	unlink(path);
	before = umask(0117); /* born 0660: there is no moment in which others could connect */
	err = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 64) ? -errno : 0;
	umask(before);
	if (!err && gid != (unsigned)-1 && chown(path, (uid_t)-1, gid))
		err = -errno;
	return err ? err : fd_take(&fd);
}
