/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adds up. */
#include "host/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bpf/report.h"
#include "bpf/snapshot.h"
#include "bpf/walk.h"
#include "host/listing.h"
#include "serve/conn.h"

static bool is_like(const struct stats_group *a, const struct stats_group *b)
{
	return a->ours == b->ours && a->direction == b->direction && a->version == b->version &&
	       a->cipher == b->cipher && !strcmp(a->mode, b->mode);
}

static struct stats_group *find(struct stats_groups *g, const struct stats_group *like)
{
	struct stats_group *grown;

	for (size_t i = 0; i < g->n; i++)
		if (is_like(&g->groups[i], like))
			return &g->groups[i];
	grown = realloc(g->groups, (g->n + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	g->groups = grown;
	g->groups[g->n] = *like;
	return &g->groups[g->n++];
}

static int add_direction(struct stats_groups *g, const struct listing_row *row, unsigned direction)
{
	const struct ktls_socket *s = row->seen;
	struct stats_group like = { .ours = row->ours,
				    .direction = (uint8_t)direction,
				    .version = s->version,
				    .cipher = s->cipher,
				    .mode = report_mode(s, (int)direction) };
	enum direction dir = direction == KTLS_TX ? TX : RX;
	struct stats_group *group;
	uint64_t records;

	/* The kernel has no key, for it is with us. */
	if (row->ours && row->ours->side[dir].mode == MODE_USER)
		like.mode = "user";
	group = find(g, &like);
	if (!group)
		return -ENOMEM;
	group->n++;
	if (snapshot_count_records(&s->dir[direction], &records))
		group->records += records;
	return 0;
}

int stats_add(struct stats_groups *g, const struct listing_row *row)
{
	int err = row->seen ? add_direction(g, row, KTLS_TX) : 0;

	return err || !row->seen ? err : add_direction(g, row, KTLS_RX);
}

void stats_groups_fini(struct stats_groups *g)
{
	free(g->groups);
	*g = (struct stats_groups){ .n = 0 };
}

uint64_t stats_count(const struct walk *w, const struct ktls_total_key *key, unsigned any)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < w->n_totals; i++) {
		const struct ktls_total_key *k = &w->totals[i].key;

		if (k->event == key->event && k->direction == key->direction &&
		    (any & STATS_ANY_CONF || k->conf == key->conf) &&
		    (any & STATS_ANY_OK || k->ok == key->ok))
			sum += w->totals[i].count;
	}
	return sum;
}

uint64_t stats_count_observer(const struct walk *w, unsigned what)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < w->n_totals; i++)
		if (w->totals[i].key.event == KTLS_N_EVENTS + what)
			sum += w->totals[i].count;
	return sum;
}

static uint64_t count_sockets(const struct walk *w, uint32_t netns, unsigned direction,
			      unsigned conf)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		n += w->sockets[i].netns == netns && w->sockets[i].dir[direction].conf == conf;
	return n;
}

/* The kernel's names, and what the same is called here. */
static const struct {
	const char *name;
	unsigned any;
	struct ktls_total_key key;
} counters[] = {
	{ "TlsTxSw", 0, { KTLS_EVENT_KEYS, KTLS_TX, KTLS_CONF_SW, 1, 0, 0 } },
	{ "TlsRxSw", 0, { KTLS_EVENT_KEYS, KTLS_RX, KTLS_CONF_SW, 1, 0, 0 } },
	{ "TlsTxDevice", 0, { KTLS_EVENT_KEYS, KTLS_TX, KTLS_CONF_HW, 1, 0, 0 } },
	{ "TlsRxDevice", 0, { KTLS_EVENT_KEYS, KTLS_RX, KTLS_CONF_HW, 1, 0, 0 } },
	{ "TlsDecryptError", STATS_ANY_CONF, { KTLS_EVENT_ERROR, KTLS_RX, 0, 0, 0, 0 } },
	{ "TlsRxDeviceResync",
	  STATS_ANY_CONF | STATS_ANY_OK,
	  { KTLS_EVENT_RESYNC, KTLS_RX, 0, 0, 0, 0 } },
	{ "TlsTxRekeyOk", STATS_ANY_CONF, { KTLS_EVENT_REKEY, KTLS_TX, 0, 1, 0, 0 } },
	{ "TlsRxRekeyOk", STATS_ANY_CONF, { KTLS_EVENT_REKEY, KTLS_RX, 0, 1, 0, 0 } },
	{ "TlsTxRekeyError", STATS_ANY_CONF, { KTLS_EVENT_REKEY, KTLS_TX, 0, 0, 0, 0 } },
	{ "TlsRxRekeyError", STATS_ANY_CONF, { KTLS_EVENT_REKEY, KTLS_RX, 0, 0, 0, 0 } },
};

static const struct {
	const char *name;
	unsigned direction, conf;
} gauges[] = {
	{ "TlsCurrTxSw", KTLS_TX, KTLS_CONF_SW },
	{ "TlsCurrRxSw", KTLS_RX, KTLS_CONF_SW },
	{ "TlsCurrTxDevice", KTLS_TX, KTLS_CONF_HW },
	{ "TlsCurrRxDevice", KTLS_RX, KTLS_CONF_HW },
};

bool stats_find_ours(const struct walk *w, uint32_t netns, const char *name, uint64_t *ours)
{
	for (size_t i = 0; i < ARRAY_SIZE(gauges); i++)
		if (!strcmp(gauges[i].name, name)) {
			*ours = count_sockets(w, netns, gauges[i].direction, gauges[i].conf);
			return w->taken_ns;
		}
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
		if (!strcmp(counters[i].name, name)) {
			*ours = stats_count(w, &counters[i].key, counters[i].any);
			return w->n_totals;
		}
	return false;
}

uint64_t stats_records(const struct walk *w, unsigned direction, bool device)
{
	uint64_t sum = 0, records;

	for (size_t i = 0; i < w->n_totals; i++) {
		const struct ktls_total_key *k = &w->totals[i].key;

		if (k->event == KTLS_EVENT_CLOSE && k->direction == direction &&
		    (k->conf == KTLS_CONF_HW) == device)
			sum += w->totals[i].records;
	}
	for (size_t i = 0; i < w->n; i++) {
		const struct ktls_direction *d = &w->sockets[i].dir[direction];

		if ((d->conf == KTLS_CONF_HW) == device && snapshot_count_records(d, &records))
			sum += records;
	}
	return sum;
}
