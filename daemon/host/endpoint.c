/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens, shares and closes it. */
#include "host/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "host/config.h"
#include "host/listen.h"

static int open_socket(const struct config_endpoint *c, const char *path, unsigned gid)
{
	return c->kind == CONFIG_ENDPOINT_UNIX ? listen_unix(path, gid) : listen_tcp(&c->address);
}

static bool is_same(const struct endpoint *former, const struct config_endpoint *c)
{
	return former->fd >= 0 && !strcmp(former->text, c->text);
}

int endpoint_open(struct endpoint *e, const struct endpoint *former,
		  const struct config_endpoint *c, unsigned gid, char *error, size_t error_len)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)c->address.bytes;
	struct endpoint opened = { .fd = -1, .text = strdup(c->text) };
	int err = 0;

	if (c->kind == CONFIG_ENDPOINT_UNIX)
		opened.path = strdup(un->sun_path);
	if (c->kind != CONFIG_ENDPOINT_OFF) {
		opened.fd = is_same(former, c) ? fcntl(former->fd, F_DUPFD_CLOEXEC, 0) :
						 open_socket(c, opened.path, gid);
		err = opened.fd >= 0 ? 0 : is_same(former, c) ? -errno : opened.fd;
		opened.fd = err ? -1 : opened.fd;
	}
	if (err && c->is_default) {
		log_warning("errno=%s msg=\"no metrics: cannot listen on the default %s; set "
			    "'metrics' to another address or to off\"",
			    log_errno(err), c->text);
		err = 0;
	}
	if (!opened.text || (c->kind == CONFIG_ENDPOINT_UNIX && !opened.path))
		err = -ENOMEM;
	if (err) {
		snprintf(error, error_len, "metrics: cannot listen on %s: %s", c->text,
			 strerror(-err));
		endpoint_close(&opened, former);
		return err;
	}
	*e = opened;
	return 0;
}

void endpoint_close(struct endpoint *e, const struct endpoint *successor)
{
	bool is_kept = successor && successor->path && e->path && !strcmp(successor->path, e->path);

	if (e->fd >= 0 && e->path && !is_kept)
		unlink(e->path);
	fd_close(&e->fd);
	free(e->text);
	free(e->path);
	*e = ENDPOINT_NONE;
}
