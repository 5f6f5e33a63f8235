/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts sockets. */
#include "host/socket_tally.h"

#include <linux/tls.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suite.h"
#include "base/util.h"
#include "bpf/report.h"
#include "serve/roster.h"

static const uint16_t versions[] = { 0, TLS12, TLS13 };
static const uint16_t ciphers[] = {
	0,
	TLS_CIPHER_AES_GCM_128,
	TLS_CIPHER_AES_GCM_256,
	TLS_CIPHER_CHACHA20_POLY1305,
	TLS_CIPHER_AES_CCM_128,
};

_Static_assert(ARRAY_SIZE(versions) == TALLY_N_VERSIONS, "a slot each");
_Static_assert(ARRAY_SIZE(ciphers) == TALLY_N_CIPHERS - 1, "a slot each, and one for the rest");

const char *socket_tally_version(int slot)
{
	return slot ? suite_version_name(versions[slot]) : "none";
}

const char *socket_tally_cipher(int slot)
{
	if (!slot)
		return "none";
	return slot < TALLY_N_CIPHERS - 1 ? suite_cipher_name(ciphers[slot]) : "other";
}

int socket_tally_version_slot(uint16_t version)
{
	return version == TLS13 ? 2 : version == TLS12;
}

int socket_tally_cipher_slot(uint16_t kernel_cipher)
{
	for (int i = 0; i < TALLY_N_CIPHERS - 1; i++)
		if (ciphers[i] == kernel_cipher)
			return i;
	return TALLY_N_CIPHERS - 1;
}

static int by_cookie(const void *key, const void *element)
{
	const uint64_t *cookie = key;
	const struct roster_tag *tag = element;

	return *cookie < tag->cookie ? -1 : *cookie > tag->cookie;
}

static int mode_of(const struct ktls_socket *s, int direction)
{
	switch (s->dir[direction].conf) {
	case KTLS_CONF_BASE:
		return TALLY_NONE;
	case KTLS_CONF_SW:
		return TALLY_KERNEL;
	default:
		return s->flags & KTLS_SOCKET_DEGRADED ? TALLY_KERNEL : TALLY_DEVICE;
	}
}

/* The devices that hold keys are few; those beyond the table are not told of by name. */
static void count_device(struct socket_tally *t, const struct ktls_socket *s, int direction)
{
	unsigned i = 0;

	while (i < t->n_devices && strcmp(t->devices[i].name, s->device))
		i++;
	if (i == TALLY_MAX_DEVICES || !*s->device)
		return;
	if (i == t->n_devices)
		memcpy(t->devices[t->n_devices++].name, s->device, sizeof(s->device));
	t->devices[i].n[direction]++;
}

static void count_one(struct socket_tally *t, const struct ktls_socket *s,
		      const struct roster_tag *tag)
{
	int version = socket_tally_version_slot(s->version);
	int cipher = socket_tally_cipher_slot(s->cipher);
	int state = s->state == TCP_ESTABLISHED ? TALLY_OPEN : TALLY_CLOSING;

	for (int d = 0; d < N_DIRECTIONS; d++) {
		int mode = mode_of(s, d);

		if (mode == TALLY_DEVICE)
			count_device(t, s, d);
		else if (mode == TALLY_KERNEL && s->flags & KTLS_SOCKET_DEGRADED)
			t->degraded[d] += s->dir[d].conf == KTLS_CONF_HW;
		t->reasons[!!tag][d][report_offload(s, d)]++;
		if (!tag)
			t->other[d][mode][version][cipher][state]++;
		else if (mode == TALLY_DEVICE && tag->state != CONN_CLOSED)
			t->own_device[d][version][cipher][tag->state]++;
	}
}

void socket_tally_count(struct socket_tally *t, const struct ktls_socket *sockets, size_t n,
			const struct roster_tag *tags, size_t n_tags)
{
	memset(t, 0, sizeof(*t));
	t->n = n;
	for (size_t i = 0; i < n; i++)
		count_one(t, &sockets[i],
			  n_tags ? bsearch(&sockets[i].cookie, tags, n_tags, sizeof(*tags),
					   by_cookie) :
				   NULL);
}
