/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives bpf/observe and bpf/snapshot from a shell:
 *   observe_dump load DIR GID      load and pin; the status as one line, libbpf's words on stderr
 *   observe_dump read PIN          one line of key=value a socket
 *   observe_dump unload DIR
 * Exits with 0, or with 1 after "error=NAME" on stdout.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/observe.h"
#include "bpf/snapshot.h"

static void log_line(int priority, const char *line)
{
	if (priority < 6)
		fprintf(stderr, "<%d>%s\n", priority, line);
}

static int finish(int error)
{
	if (!error)
		return 0;
	printf("error=%s\n", strerrorname_np(-error));
	return 1;
}

static int load(const char *dir, const char *gid)
{
	static const char *const steps[] = {
		[OBSERVE_STEP_LOAD] = "load",	[OBSERVE_STEP_ATTACH] = "attach",
		[OBSERVE_STEP_BPFFS] = "bpffs", [OBSERVE_STEP_PIN] = "pin",
		[OBSERVE_STEP_DONE] = "done",
	};
	struct observe_status status;
	int r;

	observe_set_log(log_line);
	r = observe_load(dir, (gid_t)strtoul(gid, NULL, 10), &status);
	printf("step=%s errno=%d text=%s\n", steps[status.step], status.error, status.text);
	return finish(r);
}

static void print_direction(const char *name, const struct ktls_direction *dir)
{
	uint64_t records;

	printf(" %s_conf=%u %s_seq=%llu %s_seq_initial=%llu", name, dir->conf, name, dir->seq, name,
	       dir->seq_initial);
	if (snapshot_count_records(dir, &records))
		printf(" %s_records=%llu", name, (unsigned long long)records);
}

static int print_socket(const struct ktls_socket *s, void *unused)
{
	char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];

	(void)unused;
	inet_ntop(s->family, s->local_addr, local, sizeof(local));
	inet_ntop(s->family, s->remote_addr, remote, sizeof(remote));
	printf("cookie=%llu inode=%llu netns=%u uid=%u state=%u local=%s local_port=%u remote=%s "
	       "remote_port=%u version=%#x cipher=%u",
	       s->cookie, s->inode, s->netns, s->uid, s->state, local, s->local_port, remote,
	       s->remote_port, s->version, s->cipher);
	print_direction("tx", &s->dir[KTLS_TX]);
	print_direction("rx", &s->dir[KTLS_RX]);
	printf(" tx_zero_copy=%u rx_no_pad=%u rx_zero_copy=%u key_update_pending=%u flags=%#x "
	       "ifindex=%u device=%s acked=%llu received=%llu\n",
	       s->tx_zero_copy, s->rx_no_pad, s->rx_zero_copy, s->key_update_pending, s->flags,
	       s->ifindex, s->device, s->bytes_acked, s->bytes_received);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "load"))
		return load(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "read"))
		return finish(snapshot_read(argv[2], print_socket, NULL));
	if (argc == 3 && !strcmp(argv[1], "unload"))
		return finish(observe_unload(argv[2]));
	errx(2, "usage: observe_dump load DIR GID | read PIN | unload DIR");
}
