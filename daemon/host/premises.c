/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks the user up, makes the directory, listens. */
#include "host/premises.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/log.h"
#include "base/util.h"
#include "host/config.h"
#include "host/listen.h"

/* Whom the server becomes; only root can choose. */
static void find_user(struct premises *p, const struct config *c)
{
	const struct passwd *pw;
	const struct group *gr;

	p->uid = p->gid = UINT32_MAX;
	if (geteuid())
		return;
	pw = getpwnam(c->user); /* config_load() has seen that both exist */
	gr = c->group ? getgrnam(c->group) : NULL;
	p->uid = pw ? pw->pw_uid : 65534;
	p->gid = gr ? gr->gr_gid : pw ? pw->pw_gid : 65534;
}

static int make_runtime_directory(const struct premises *p, const struct config *c)
{
	const char *dir = c->runtime_directory;
	int err = 0;

	if (mkdir(dir, 0750) && errno != EEXIST) {
		err = -errno;
		log_err("errno=%s msg=\"cannot make %s\"", log_errno(err), dir);
	} else if (p->gid != UINT32_MAX && chown(dir, 0, p->gid)) {
		err = -errno;
		log_err("errno=%s msg=\"cannot give %s to group %u%s\"", log_errno(err), dir,
			p->gid, CAPABILITY_LACK(CAP_CHOWN));
	}
	return err;
}

static int open_api(struct premises *p, const struct config *c)
{
	p->api_fd = listen_unix(c->api_socket, p->gid);
	if (p->api_fd >= 0)
		return 0;
	log_err("errno=%s msg=\"cannot listen on %s%s\"", log_errno(p->api_fd), c->api_socket,
		p->api_fd == -EPERM ? CAPABILITY_LACK(CAP_CHOWN) : "");
	return p->api_fd;
}

int premises_open(struct premises *p, const struct config *c)
{
	int err;

	find_user(p, c);
	err = make_runtime_directory(p, c);
	return err ? err : open_api(p, c);
}

void premises_close(struct premises *p, const struct config *c)
{
	if (p->api_fd >= 0)
		unlink(c->api_socket);
	fd_close(&p->api_fd);
}
