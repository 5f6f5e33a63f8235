/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives bpf/observe, bpf/snapshot and bpf/feed from a shell:
 *   observe_dump load DIR GID      load and pin, or adopt
 *   observe_dump attach DIR        attach the probes
 *   observe_dump look DIR          what there is
 *   observe_dump payload DIR on|off
 *                                  these print the status as one line, one for each program, and
 *                                  libbpf's words on stderr
 *   observe_dump read PIN          one line of key=value a socket
 *   observe_dump totals PIN        ... a total
 *   observe_dump events DIR [MS]   ... an event that waits; MS: waits so long for the first
 *   observe_dump unload DIR
 * Exits with 0, or with 1 after "error=NAME" on stdout.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/feed.h"
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

static int show(int r, const struct observe_status *status)
{
	static const char *const steps[] = {
		[OBSERVE_STEP_LOAD] = "load",	[OBSERVE_STEP_ATTACH] = "attach",
		[OBSERVE_STEP_BPFFS] = "bpffs", [OBSERVE_STEP_PIN] = "pin",
		[OBSERVE_STEP_DONE] = "done",
	};

	printf("step=%s errno=%d adopted=%d waiting=%d payload=%d pruned=%u prune_errno=%d "
	       "since=%llu text=%s\n",
	       steps[status->step], status->error, status->adopted, status->waiting_for_tls,
	       status->payload, status->pruned, status->prune_error,
	       (unsigned long long)status->since_ns, status->text);
	for (unsigned int i = 0; i < status->n_programs; i++)
		printf("program=%s attached=%d errno=%d text=%s\n", status->programs[i].name,
		       status->programs[i].attached, status->programs[i].error,
		       status->programs[i].text);
	return finish(r);
}

static void print_direction(const char *name, const struct ktls_direction *dir)
{
	uint64_t records;

	printf(" %s_conf=%u %s_seq=%llu %s_seq_initial=%llu", name, dir->conf, name, dir->seq, name,
	       dir->seq_initial);
	if (snapshot_count_records(dir, &records))
		printf(" %s_records=%llu", name, (unsigned long long)records);
	printf(" %s_before=%llu %s_payload=%llu %s_rekeys=%u %s_rekey_failures=%u", name,
	       dir->records_before, name, dir->payload, name, dir->rekeys, name,
	       dir->rekey_failures);
	printf(" %s_errors=%u %s_framing=%u %s_resyncs=%u %s_soft=%u %s_offer=%u "
	       "%s_device_errno=%u %s_seen=%u %s_key_errno=%u",
	       name, dir->errors, name, dir->framing_errors, name, dir->resyncs, name,
	       dir->soft_packets, name, dir->offer, name, dir->device_errno, name, dir->keys_seen,
	       name, dir->key_errno);
}

static void print_endpoints(uint16_t family, const uint8_t *local, uint16_t local_port,
			    const uint8_t *remote, uint16_t remote_port)
{
	char l[INET6_ADDRSTRLEN] = "", r[INET6_ADDRSTRLEN] = "";

	inet_ntop(family, local, l, sizeof(l));
	inet_ntop(family, remote, r, sizeof(r));
	printf(" local=%s local_port=%u remote=%s remote_port=%u", l, local_port, r, remote_port);
}

static int print_socket(const struct ktls_socket *s, void *unused)
{
	(void)unused;
	printf("cookie=%llu inode=%llu netns=%u uid=%u state=%u", s->cookie, s->inode, s->netns,
	       s->uid, s->state);
	print_endpoints(s->family, s->local_addr, s->local_port, s->remote_addr, s->remote_port);
	printf(" version=%#x cipher=%u", s->version, s->cipher);
	print_direction("tx", &s->dir[KTLS_TX]);
	print_direction("rx", &s->dir[KTLS_RX]);
	printf(" tx_zero_copy=%u rx_no_pad=%u rx_zero_copy=%u key_update_pending=%u flags=%#x "
	       "ifindex=%u device=%s acked=%llu received=%llu",
	       s->tx_zero_copy, s->rx_no_pad, s->rx_zero_copy, s->key_update_pending, s->flags,
	       s->ifindex, s->device, s->bytes_acked, s->bytes_received);
	printf(" since=%llu last_errno=%u installer=%u installer_comm=%s holder=%u holder_comm=%s "
	       "egress=%s egress_features=%#x\n",
	       s->since_ns, s->last_errno, s->installer_pid, s->installer_comm, s->holder_pid,
	       s->holder_comm, s->egress, s->egress_features);
	return 0;
}

static int print_holder(const struct ktls_holder *h, void *arg)
{
	(void)arg;
	printf("inode=%llu holder=%u holder_comm=%s\n", h->inode, h->pid, h->comm);
	return 0;
}

static int print_total(const struct ktls_total *t, void *unused)
{
	(void)unused;
	printf("event=%u direction=%u conf=%u ok=%u version=%#x cipher=%u count=%llu records=%llu "
	       "payload=%llu\n",
	       t->key.event, t->key.direction, t->key.conf, t->key.ok, t->key.version,
	       t->key.cipher, t->count, t->records, t->payload);
	return 0;
}

static int print_event(const struct ktls_event *e, void *arg)
{
	int *n = arg;

	++*n;
	printf("event=%u direction=%u error=%u cookie=%llu netns=%u pid=%u comm=%s device=%s "
	       "ifindex=%u",
	       e->event, e->direction, e->error, e->cookie, e->netns, e->pid, e->comm, e->device,
	       e->ifindex);
	if (e->family)
		print_endpoints(e->family, e->local_addr, e->local_port, e->remote_addr,
				e->remote_port);
	printf(" version=%#x cipher=%u tx_conf=%u rx_conf=%u offer=%u tx_records=%llu tx_known=%u "
	       "rx_records=%llu rx_known=%u tx_payload=%llu rx_payload=%llu unsent=%u\n",
	       e->version, e->cipher, e->conf[KTLS_TX], e->conf[KTLS_RX], e->offer,
	       e->records[KTLS_TX], e->records_known[KTLS_TX], e->records[KTLS_RX],
	       e->records_known[KTLS_RX], e->payload[KTLS_TX], e->payload[KTLS_RX], e->unsent);
	return 0;
}

static int events(const char *dir, int ms)
{
	int r, n = 0, fd = observe_open_events(dir);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct feed feed;

	if (fd < 0)
		return fd;
	r = feed_open(&feed, fd);
	if (r)
		return r;
	r = feed_read(&feed, print_event, &n);
	if (!r && !n && ms && poll(&ready, 1, ms) == 1)
		r = feed_read(&feed, print_event, &n);
	if (feed.damaged)
		printf("damaged=%llu\n", (unsigned long long)feed.damaged);
	feed_close(&feed);
	return r;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "", *where = argv[2];
	struct observe_status status;

	observe_set_log(log_line);
	if (argc == 4 && !strcmp(verb, "load"))
		return show(observe_load(where, (gid_t)strtoul(argv[3], NULL, 10), &status),
			    &status);
	if (argc == 3 && !strcmp(verb, "attach"))
		return show(observe_attach_probes(where, &status), &status);
	if (argc == 3 && !strcmp(verb, "look"))
		return show(observe_look(where, &status), &status);
	if (argc == 4 && !strcmp(verb, "payload"))
		return show(observe_set_payload(where, !strcmp(argv[3], "on"), &status), &status);
	if (argc == 3 && !strcmp(verb, "read"))
		return finish(snapshot_read_tasks(where, print_socket, print_holder, NULL));
	if (argc == 3 && !strcmp(verb, "totals"))
		return finish(snapshot_read_totals(where, print_total, NULL));
	if (argc <= 4 && !strcmp(verb, "events"))
		return finish(events(where, argc == 4 ? atoi(argv[3]) : 0));
	if (argc == 3 && !strcmp(verb, "unload"))
		return finish(observe_unload(where));
	errx(2, "usage: observe_dump load DIR GID | attach DIR | look DIR | payload DIR on|off | "
		"read PIN | totals PIN | events DIR [MS] | unload DIR");
}
