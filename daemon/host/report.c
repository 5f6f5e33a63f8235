/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds the API's JSON. */
#include "host/report.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/counters.h"
#include "base/json.h"
#include "base/log.h"
#include "base/util.h"
#include "bpf/report.h"
#include "serve/conn.h"
#include "serve/limits.h"
#include "serve/listener.h"

static void set_sockaddr(struct json *o, const char *key, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
	char text[REPORT_ADDRESS_LEN] = "?";

	if (ss->ss_family == AF_INET)
		report_format_address(text, AF_INET, &in->sin_addr, ntohs(in->sin_port));
	else if (ss->ss_family == AF_INET6)
		report_format_address(text, AF_INET6, &in6->sin6_addr, ntohs(in6->sin6_port));
	json_set_string(o, key, text);
}

static void set_unless_empty(struct json *o, const char *key, const char *value)
{
	json_set_string(o, key, *value ? value : NULL);
}

static struct json *report_direction(const struct conn_info *info, enum direction dir,
				     const struct ktls_socket *seen)
{
	static const char *const modes[] = { "none", "user", "kernel" };
	const struct conn_side_info *side = &info->side[dir];
	bool in_kernel = side->mode == MODE_KERNEL && seen;
	int direction = dir == TX ? KTLS_TX : KTLS_RX;
	struct json *o = json_new();

	json_set_string(o, "mode", in_kernel ? report_mode(seen, direction) : modes[side->mode]);
	if (side->reason != REASON_NONE)
		json_set_string(o, "reason", reason_name(side->reason));
	if (side->err)
		json_set_string(o, "errno", log_errno(side->err));
	json_set_int(o, "bytes", (int64_t)side->bytes);
	json_set_int(o, "rekeys", side->rekeys);
	if (in_kernel)
		report_add_direction(o, seen, direction);
	return o;
}

struct json *report_connection(const struct conn_info *info, const struct ktls_socket *seen,
			       const struct report_reader *reader)
{
	struct json *o = json_new();

	json_set_int(o, "cookie", (int64_t)info->cookie);
	json_set_string(o, "owner", "ktlsd");
	json_set_string(o, "listener", info->listener);
	json_set_string(o, "state", state_name(info->state));
	json_set_int(o, "age_ms", (int64_t)(info->age_ns / NS_PER_MS));
	set_sockaddr(o, "local", &info->local);
	set_sockaddr(o, "peer", &info->peer);
	if (info->cipher) {
		json_set_string(o, "version", suite_version_name(info->version));
		json_set_string(o, "cipher", info->cipher);
		json_set_bool(o, "resumed", info->facts.resumed);
	}
	set_unless_empty(o, "sni", info->facts.sni);
	set_unless_empty(o, "alpn", info->facts.alpn);
	set_unless_empty(o, "group", info->facts.group);
	json_set(o, "tx", report_direction(info, TX, seen));
	json_set(o, "rx", report_direction(info, RX, seen));
	if (seen)
		report_add_socket(o, seen, reader);
	return o;
}

struct json *report_listener(struct listener *l)
{
	struct json *o = json_new();

	json_set_string(o, "name", l->name);
	json_set_string(o, "address", l->address);
	json_set_string(o, "backend", l->backend_text);
	json_set_string(o, "tx", policy_name((enum policy_value)atomic_load(&l->policy[TX])));
	json_set_string(o, "rx", policy_name((enum policy_value)atomic_load(&l->policy[RX])));
	json_set_bool(o, "overridden", atomic_load(&l->overridden));
	json_set_bool(o, "draining", atomic_load(&l->draining));
	json_set_int(o, "connections", (int64_t)count_get(&l->totals->open));
	json_set_int(o, "tx_kernel", (int64_t)count_get(&l->totals->kernel[TX]));
	json_set_int(o, "rx_kernel", (int64_t)count_get(&l->totals->kernel[RX]));
	json_set_int(o, "accepted", (int64_t)count_get(&l->totals->accepted));
	return o;
}

static void append_limit(struct json *array, const char *name, uint64_t max, int64_t in_use,
			 const struct counters *sum, enum reason reason)
{
	struct json *o = json_new();

	json_set_string(o, "name", name);
	json_set_int(o, "limit", (int64_t)max);
	if (in_use >= 0)
		json_set_int(o, "in_use", in_use);
	json_set_int(o, "refused", (int64_t)count_get(&sum->end[reason]));
	json_append(array, o);
}

struct json *report_limits(const struct limits *l, const struct counters *sum)
{
	struct json *array = json_new_array();

	append_limit(array, "connections", atomic_load(&l->max_connections),
		     atomic_load(&l->connections), sum, REASON_LIMIT_CONNECTIONS);
	append_limit(array, "connections-per-address", atomic_load(&l->max_per_address), -1, sum,
		     REASON_LIMIT_PER_ADDRESS);
	append_limit(array, "handshakes", atomic_load(&l->max_handshakes),
		     atomic_load(&l->handshakes), sum, REASON_LIMIT_HANDSHAKES);
	append_limit(array, "handshake-rate", atomic_load(&l->max_handshake_rate), -1, sum,
		     REASON_LIMIT_HANDSHAKE_RATE);
	return array;
}

struct json *report_counters(const struct counters *sum)
{
	struct json *array = json_new_array();

	for (int c = 0; c < COUNTER_COUNT; c++) {
		struct json *o = json_new();

		json_set_string(o, "name", counter_name((enum counter)c));
		json_set_string(o, "unit", counter_unit((enum counter)c));
		json_set_bool(o, "gauge", counter_type((enum counter)c) == COUNTER_TYPE_GAUGE);
		json_set_int(o, "value", (int64_t)count_get(&sum->value[c]));
		json_append(array, o);
	}
	return array;
}

static void append_reasons(struct json *array, const char *where,
			   const atomic_uint_least64_t *counts)
{
	for (int r = 1; r < REASON_COUNT; r++) {
		struct json *o;

		if (!count_get(&counts[r]))
			continue;
		o = json_new();
		json_set_string(o, "where", where);
		json_set_string(o, "reason", reason_name((enum reason)r));
		json_set_string(o, "class", reason_class_name(reason_class((enum reason)r)));
		json_set_int(o, "count", (int64_t)count_get(&counts[r]));
		json_append(array, o);
	}
}

struct json *report_reasons(const struct counters *sum)
{
	struct json *array = json_new_array();

	append_reasons(array, "tx", sum->fallback[TX]);
	append_reasons(array, "rx", sum->fallback[RX]);
	append_reasons(array, "end", sum->end);
	return array;
}
