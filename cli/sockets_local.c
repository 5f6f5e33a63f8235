/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets by the kernel programs, in this process. The one place where the client loads any. */
#include "cli/sockets_local.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/json.h"
#include "base/util.h"
#include "bpf/observe.h"
#include "bpf/report.h"
#include "bpf/walk.h"

#define PINNED KTLSD_RUNTIME_DIRECTORY "/bpf"

/*
 * Loads the iterators where nobody else sees them, and looks. The mount, and with it what is
 * pinned there, goes with this process's mount namespace, however it ends.
 */
static int look_anew(struct walk *walk, char *why, size_t why_size)
{
	char dir[] = "/run/ktlsctl.XXXXXX";
	struct observe_status status;
	int r;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    !mkdtemp(dir)) {
		snprintf(why, why_size, "%s", strerror(errno));
		return -errno;
	}
	r = observe_load(dir, 0, &status);
	if (r) {
		snprintf(why, why_size, "%s", status.text);
	} else {
		walk_run(walk, dir, true);
		observe_unload(dir);
		r = walk->err;
		if (r)
			snprintf(why, why_size, "%s", strerror(-r));
	}
	rmdir(dir);
	return r;
}

static int look(struct walk *walk, char *why, size_t why_size)
{
	walk_run(walk, PINNED, true);
	if (walk->err != -ENOENT && walk->err != -EPROTO) {
		snprintf(why, why_size, "%s", strerror(-walk->err));
		return walk->err;
	}
	walk_fini(walk);
	return look_anew(walk, why, why_size);
}

int sockets_local_read(bool namespaces, int (*each)(const char *text, size_t len, void *arg),
		       void *arg, char *why, size_t why_size)
{
	struct report_reader reader;
	struct walk walk = { 0 };
	int r = look(&walk, why, why_size);

	report_reader_init(&reader);
	for (size_t i = 0; i < walk.n && !r; i++) {
		const struct ktls_socket *s = &walk.sockets[i];
		_cleanup_json_ struct json *row = NULL;
		_cleanup_free_ char *text = NULL;

		if (!namespaces && s->netns != reader.netns)
			continue;
		row = report_socket(s, &reader);
		text = json_print(row);
		r = text ? each(text, strlen(text), arg) : -ENOMEM;
	}
	walk_fini(&walk);
	return r;
}
