/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives base/netlink from a shell:
 *   netlink_dump sockets        one line of key=value a socket
 *   netlink_dump devices        one line a device; features in the words of ethtool(8)
 *   netlink_dump family NAME    the number of a generic netlink family
 * Exits with 0, or with 1 after "error=NAME" on stdout.
 */
#include <err.h>
#include <linux/tls.h>
#include <stdio.h>
#include <string.h>

#include "base/netlink.h"

static const char *conf_name(uint16_t conf)
{
	static const char *const names[] = {
		[0] = "-",
		[TLS_CONF_BASE] = "none",
		[TLS_CONF_SW] = "sw",
		[TLS_CONF_HW] = "hw",
	};

	return conf <= TLS_CONF_HW ? names[conf] : "?";
}

static int print_socket(const struct netlink_socket *s, void *unused)
{
	(void)unused;
	printf("cookie=%#llx inode=%u uid=%u family=%u state=%u version=%#x cipher=%u tx=%s rx=%s "
	       "tx_max_payload=%u tx_zero_copy=%d rx_no_pad=%d\n",
	       (unsigned long long)s->cookie, s->inode, s->uid, s->family, s->state, s->version,
	       s->cipher, conf_name(s->tx_conf), conf_name(s->rx_conf), s->tx_max_payload,
	       s->tx_zero_copy, s->rx_no_pad);
	return 0;
}

static void print_feature(const char *name, const struct netlink_feature *f)
{
	const char *more = "";

	if (!f->known)
		return;
	if (f->fixed)
		more = " [fixed]";
	else if (f->wanted != f->active)
		more = f->wanted ? " [requested on]" : " [requested off]";
	printf("; %s: %s%s", name, f->active ? "on" : "off", more);
}

static int print_device(const struct netlink_device *d, void *unused)
{
	(void)unused;
	printf("%u: %s: %s", d->ifindex, d->name, d->up ? "up" : "down");
	print_feature("tls-hw-tx-offload", &d->tls_tx);
	print_feature("tls-hw-rx-offload", &d->tls_rx);
	print_feature("tls-hw-record", &d->tls_record);
	puts(d->has_features ? "" : "; no features");
	return 0;
}

static int finish(int error)
{
	if (!error)
		return 0;
	printf("error=%s\n", strerrorname_np(-error));
	return 1;
}

static int print_family(const char *name)
{
	uint16_t id;
	int r = netlink_find_family(name, &id);

	if (!r)
		printf("%#x\n", id);
	return finish(r);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "sockets"))
		return finish(netlink_list_sockets(print_socket, NULL));
	if (argc == 2 && !strcmp(argv[1], "devices"))
		return finish(netlink_list_devices(print_device, NULL));
	if (argc == 3 && !strcmp(argv[1], "family"))
		return print_family(argv[2]);
	errx(2, "usage: netlink_dump sockets | devices | family NAME");
}
