/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds rows of sockets. What the programs cannot know of one is left out. */
#include "bpf/report.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"
#include "base/reason.h"
#include "base/suite.h"
#include "base/util.h"
#include "bpf/offload.h"
#include "bpf/snapshot.h"

void report_reader_init(struct report_reader *reader)
{
	struct timespec now;
	struct stat netns;

	clock_gettime(CLOCK_BOOTTIME, &now);
	reader->now_ns = (uint64_t)now.tv_sec * MS_PER_S * NS_PER_MS + (uint64_t)now.tv_nsec;
	reader->netns = stat("/proc/self/ns/net", &netns) ? 0 : (uint32_t)netns.st_ino;
}

static char *put_number(char *to, unsigned n)
{
	char digits[10], *first = digits + sizeof(digits);

	do
		*--first = (char)('0' + n % 10);
	while (n /= 10);
	memcpy(to, first, (size_t)(digits + sizeof(digits) - first));
	return to + (digits + sizeof(digits) - first);
}

/* By hand: two of them in each of ten thousand rows were a fifth of what a listing cost. */
static void format_address4(char text[static REPORT_ADDRESS_LEN], const uint8_t addr[static 4],
			    unsigned port)
{
	for (int i = 0; i < 4; i++) {
		text = put_number(text, addr[i]);
		*text++ = i < 3 ? '.' : ':';
	}
	*put_number(text, port) = '\0';
}

void report_format_address(char text[static REPORT_ADDRESS_LEN], int family, const void *addr,
			   unsigned port)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (family == AF_INET) {
		format_address4(text, addr, port);
		return;
	}
	inet_ntop(family, addr, host, sizeof(host));
	snprintf(text, REPORT_ADDRESS_LEN, family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, port);
}

static void set_unless_empty(struct json *o, const char *key, const char *value)
{
	json_set_string(o, key, *value ? value : NULL);
}

static void set_process(struct json *row, const char *key, uint32_t pid, const char *comm)
{
	struct json *o;

	if (!pid)
		return;
	o = json_new();
	json_set_int(o, "pid", pid);
	json_set_string(o, "comm", comm);
	json_set(row, key, o);
}

const char *report_mode(const struct ktls_socket *s, int direction)
{
	switch (s->dir[direction].conf) {
	case KTLS_CONF_BASE:
		return "none";
	case KTLS_CONF_SW:
		return "kernel";
	default:
		return s->flags & KTLS_SOCKET_DEGRADED ? "kernel" : "device";
	}
}

/* Counts of the programs, which say something only where these saw the keys come in. */
static void add_counts(struct json *o, const struct ktls_socket *s, int direction)
{
	const struct ktls_direction *d = &s->dir[direction];

	if (!d->keys_seen)
		return;
	json_set_int(o, "errors", d->errors);
	if (direction == KTLS_RX)
		json_set_int(o, "framing_errors", d->framing_errors);
	if (d->rekey_failures)
		json_set_int(o, "rekey_failures", d->rekey_failures);
	if (d->conf == KTLS_CONF_HW)
		json_set_int(o, "resyncs", d->resyncs);
	if (d->conf == KTLS_CONF_HW && direction == KTLS_TX)
		json_set_int(o, "soft_packets", d->soft_packets);
	if (s->flags & KTLS_SOCKET_PAYLOAD)
		json_set_int(o, "payload", (int64_t)d->payload);
}

static enum offload_answer answer(uint8_t features, uint8_t bit)
{
	return features & bit ? OFFLOAD_YES : OFFLOAD_NO;
}

void report_set_egress(struct offload_facts *facts, uint8_t features)
{
	bool tx = facts->direction == TX;

	if (!(features & KTLS_EGRESS_KNOWN)) {
		facts->device_found = OFFLOAD_NO;
		return;
	}
	facts->device_found = OFFLOAD_YES;
	if (features & KTLS_EGRESS_GONE) {
		facts->device_up = OFFLOAD_NO;
		return;
	}
	facts->device_up = answer(features, KTLS_EGRESS_UP);
	facts->supported =
		answer(features, tx ? KTLS_EGRESS_TX_SUPPORTED : KTLS_EGRESS_RX_SUPPORTED);
	facts->active = answer(features, tx ? KTLS_EGRESS_TX_ACTIVE : KTLS_EGRESS_RX_ACTIVE);
}

static struct offload_facts facts_of(const struct ktls_socket *s, int direction)
{
	const struct ktls_direction *d = &s->dir[direction];
	struct offload_facts facts = {
		.direction = direction == KTLS_TX ? TX : RX,
		.conf = d->conf,
		.key_errno = d->key_errno,
		.degraded = s->flags & KTLS_SOCKET_DEGRADED,
		.version = s->version,
		.cipher = s->cipher,
		.attempt_seen = d->offer != KTLS_OFFER_NOT_SEEN,
		.driver_reached = d->offer == KTLS_OFFER_DRIVER,
		.attempt_errno = d->device_errno,
		.packets_elsewhere = d->soft_packets,
	};

	/* As the device was when it was asked; of older keys only what it is like now is known. */
	if (facts.attempt_seen)
		report_set_egress(&facts, d->offer_egress);
	else if (s->egress_features & KTLS_EGRESS_KNOWN)
		report_set_egress(&facts, s->egress_features);
	return facts;
}

enum reason report_offload(const struct ktls_socket *s, int direction)
{
	struct offload_facts facts = facts_of(s, direction);

	return facts.conf == KTLS_CONF_BASE ? REASON_NONE : offload_explain(&facts);
}

static void add_offload(struct json *o, const struct ktls_socket *s, int direction)
{
	struct offload_facts facts = facts_of(s, direction);
	enum reason reason = offload_explain(&facts);

	if (reason == REASON_NONE)
		return;
	if (facts.conf == KTLS_CONF_BASE) {
		json_set_string(o, "reason", reason_name(reason));
		if (facts.key_errno)
			json_set_string(o, "errno", log_errno(facts.key_errno));
		return;
	}
	json_set_string(o, "offload", reason_name(reason));
	if (facts.conf == KTLS_CONF_SW && facts.attempt_errno)
		json_set_string(o, "offload_errno", log_errno(facts.attempt_errno));
}

void report_add_direction(struct json *o, const struct ktls_socket *s, int direction)
{
	const struct ktls_direction *d = &s->dir[direction];
	uint64_t records;

	add_offload(o, s, direction);
	if (snapshot_count_records(d, &records))
		json_set_int(o, "records", (int64_t)records);
	json_set_int(o, "wire_bytes",
		     (int64_t)(direction == KTLS_TX ? s->bytes_acked : s->bytes_received));
	add_counts(o, s, direction);
	if (d->conf == KTLS_CONF_HW)
		set_unless_empty(o, "device", s->device);
}

void report_add_socket(struct json *row, const struct ktls_socket *s,
		       const struct report_reader *reader)
{
	set_process(row, "installer", s->installer_pid, s->installer_comm);
	if (s->since_ns)
		json_set_int(row, "since_ms",
			     (int64_t)((reader->now_ns - s->since_ns) / NS_PER_MS));
	if (s->dir[KTLS_TX].conf == KTLS_CONF_HW || s->dir[KTLS_RX].conf == KTLS_CONF_HW)
		json_set_bool(row, "degraded", s->flags & KTLS_SOCKET_DEGRADED);
	if (s->flags & KTLS_SOCKET_SOCKMAP)
		json_set_bool(row, "sockmap", true);
	if (s->last_error_ns)
		json_set_string(row, "last_error", log_errno(s->last_errno));
	set_unless_empty(row, "egress", s->egress);
	if (reader->netns && s->netns != reader->netns)
		json_set_int(row, "netns", s->netns);
	if (s->inode)
		json_set_int(row, "inode", (int64_t)s->inode);
	json_set_int(row, "uid", s->uid);
}

static struct json *direction_new(const struct ktls_socket *s, int direction)
{
	const struct ktls_direction *d = &s->dir[direction];
	struct json *o = json_new();

	json_set_string(o, "mode", report_mode(s, direction));
	report_add_direction(o, s, direction);
	if (d->keys_seen)
		json_set_int(o, "rekeys", d->rekeys);
	return o;
}

struct json *report_socket(const struct ktls_socket *s, const struct report_reader *reader)
{
	struct json *o = json_new();
	char text[REPORT_ADDRESS_LEN];

	json_set_int(o, "cookie", (int64_t)s->cookie);
	json_set_string(o, "owner", "other");
	set_process(o, "process", s->holder_pid, s->holder_comm);
	report_format_address(text, s->family, s->local_addr, s->local_port);
	json_set_string(o, "local", text);
	report_format_address(text, s->family, s->remote_addr, s->remote_port);
	json_set_string(o, "peer", text);
	if (s->version) {
		const char *cipher = suite_cipher_name(s->cipher);

		json_set_string(o, "version", suite_version_name(s->version));
		if (!cipher)
			snprintf(text, sizeof(text), "cipher-%u", s->cipher);
		json_set_string(o, "cipher", cipher ? cipher : text);
	}
	json_set(o, "tx", direction_new(s, KTLS_TX));
	json_set(o, "rx", direction_new(s, KTLS_RX));
	report_add_socket(o, s, reader);
	return o;
}
