/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at /proc, at the modules on disk, and asks netlink. */
#include "cli/host.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/json.h"
#include "base/netlink.h"
#include "base/util.h"
#include "cli/family.h"

#define ULPS "/proc/sys/net/ipv4/tcp_available_ulp"

/* The first line without its end: 0 or -errno. */
static int line_read(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	int r = file ? 0 : -errno;

	if (file && !fgets(line, (int)size, file))
		r = -ENODATA;
	if (file)
		fclose(file);
	if (!r)
		line[strcspn(line, "\n")] = '\0';
	return r;
}

static bool has_word(char *line, const char *word)
{
	char *rest = line, *next;

	while ((next = strsep(&rest, " ")))
		if (!strcmp(next, word))
			return true;
	return false;
}

static bool is_on_disk(const char *release)
{
	char pattern[256];
	glob_t found;
	bool any;

	snprintf(pattern, sizeof(pattern), "/lib/modules/%s/kernel/net/tls/tls.ko*", release);
	any = !glob(pattern, 0, NULL, &found);
	if (any)
		globfree(&found);
	return any;
}

static void kernel_look(struct json *host)
{
	struct utsname uts;
	char ulps[256];

	if (uname(&uts))
		return;
	json_set_string(host, "kernel", uts.release);
	if (!line_read(ULPS, ulps, sizeof(ulps)) && has_word(ulps, "tls"))
		json_set_string(host, "module", "loaded");
	else
		json_set_string(host, "module", is_on_disk(uts.release) ? "available" : "missing");
}

static struct json *feature_make(const struct netlink_feature *feature)
{
	struct json *o = json_new();

	json_set_bool(o, "supported", feature->supported);
	json_set_bool(o, "wanted", feature->wanted);
	json_set_bool(o, "active", feature->active);
	return o;
}

static int device_take(const struct netlink_device *device, void *arg)
{
	struct json *o = json_new();

	json_set_string(o, "name", device->name);
	json_set_bool(o, "up", device->up);
	if (device->has_features) {
		json_set(o, "tx", feature_make(&device->tls_tx));
		json_set(o, "rx", feature_make(&device->tls_rx));
	}
	json_append(arg, o);
	return 0;
}

static void netlink_look(struct json *host)
{
	struct json *devices = json_new_array();
	uint16_t id;
	int r = netlink_list_devices(device_take, devices);

	if (r) {
		json_free(devices);
		json_set_string(host, "devices_error", strerrorname_np(-r));
	} else {
		json_set(host, "devices", devices);
	}
	r = netlink_find_family(NETLINK_FAMILY_HANDSHAKE, &id);
	if (!r || r == -ENOENT)
		json_set_bool(host, "handshake", !r);
}

static void process_look(struct json *host, int64_t pid)
{
	struct json *o, *descendants;
	char path[64], comm[32];

	snprintf(path, sizeof(path), "/proc/%" PRId64 "/comm", pid);
	if (!pid || line_read(path, comm, sizeof(comm)))
		return;
	o = json_new();
	json_set_int(o, "pid", pid);
	json_set_string(o, "comm", comm);
	descendants = family_look(pid);
	if (descendants)
		json_set(o, "descendants", descendants);
	json_set(host, "process", o);
}

struct json *host_look(int64_t pid)
{
	struct json *host = json_new();

	kernel_look(host);
	netlink_look(host);
	process_look(host, pid);
	return host;
}
