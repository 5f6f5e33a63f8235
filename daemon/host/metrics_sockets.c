/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections that are open, of all owners. */
#include "host/metrics.h"

#include "base/util.h"
#include "host/metrics_part.h"
#include "host/service.h"
#include "host/socket_tally.h"

static const char *const modes[N_MODES] = { "none", "user", "kernel" };
static const char *const tally_modes[TALLY_N_MODES] = { "none", "kernel", "device" };

/* ---- ktlsd's own ---- */

struct own_cell {
	uint64_t n[N_MODES];
};

/* Suites that look the same from outside add up. */
static void sum_suites(const struct metrics_part *p, enum direction d, int version, int cipher,
		       int state, struct own_cell *cell)
{
	const struct suite *s;

	*cell = (struct own_cell){ 0 };
	for (size_t i = 0; (s = suite_at(i)); i++) {
		if (socket_tally_version_slot(s->version) != version ||
		    socket_tally_cipher_slot(s->kernel_cipher) != cipher)
			continue;
		for (int m = 0; m < N_MODES; m++)
			cell->n[m] += count_get(&p->sum->open[d][m][i][state]);
	}
}

static bool is_offered(int version, int cipher)
{
	const struct suite *s;

	for (size_t i = 0; (s = suite_at(i)); i++)
		if (socket_tally_version_slot(s->version) == version &&
		    socket_tally_cipher_slot(s->kernel_cipher) == cipher)
			return true;
	return false;
}

static void put_own(struct metrics_part *p, enum direction d, const char *mode, int version,
		    int cipher, int state, uint64_t n)
{
	/* What a dashboard looks at first is there from the beginning. */
	if (n || (state == CONN_OPEN && mode != modes[MODE_NONE] && is_offered(version, cipher)))
		exposition_put_int(
			p->out, METRIC_CONNECTIONS,
			LABELS("ktlsd", direction_name(d), mode, socket_tally_version(version),
			       socket_tally_cipher(cipher), state_name((enum conn_state)state)),
			n);
}

static void write_own_state(struct metrics_part *p, const struct socket_tally *t, enum direction d,
			    int version, int cipher, int state)
{
	uint32_t on_device = t ? t->own_device[d][version][cipher][state] : 0;
	struct own_cell cell;

	sum_suites(p, d, version, cipher, state, &cell);
	/* The walk and the counters are of different moments. */
	on_device = (uint32_t)MIN_OF((uint64_t)on_device, cell.n[MODE_KERNEL]);
	for (int m = 0; m < N_MODES; m++)
		put_own(p, d, modes[m], version, cipher, state,
			cell.n[m] - (m == MODE_KERNEL ? on_device : 0));
	if (on_device)
		put_own(p, d, "device", version, cipher, state, on_device);
}

static void write_own(struct metrics_part *p, const struct socket_tally *t)
{
	for (int d = 0; d < N_DIRECTIONS; d++) {
		for (int s = CONN_ACCEPTED; s <= CONN_HANDSHAKE; s++)
			exposition_put_int(p->out, METRIC_CONNECTIONS,
					   LABELS("ktlsd", direction_name((enum direction)d),
						  "none", "none", "none",
						  state_name((enum conn_state)s)),
					   count_get(&p->sum->early[s]));
		for (int v = 1; v < TALLY_N_VERSIONS; v++)
			for (int c = 1; c < TALLY_N_CIPHERS - 1; c++)
				for (int s = CONN_CONNECT; s < CONN_CLOSED; s++)
					write_own_state(p, t, (enum direction)d, v, c, s);
	}
}

/* ---- those of others ---- */

static void write_other_cell(struct metrics_part *p, const struct socket_tally *t, int d, int mode,
			     int version, int cipher)
{
	static const char *const states[TALLY_N_STATES] = { "open", "closing" };

	for (int s = 0; s < TALLY_N_STATES; s++) {
		uint32_t n = t->other[d][mode][version][cipher][s];

		if (n || (s == TALLY_OPEN && mode == TALLY_KERNEL && is_offered(version, cipher)))
			exposition_put_int(p->out, METRIC_CONNECTIONS,
					   LABELS("other", direction_name((enum direction)d),
						  tally_modes[mode], socket_tally_version(version),
						  socket_tally_cipher(cipher), states[s]),
					   n);
	}
}

static void write_others(struct metrics_part *p, const struct socket_tally *t)
{
	for (int d = 0; d < N_DIRECTIONS; d++)
		for (int m = 0; m < TALLY_N_MODES; m++)
			for (int v = 0; v < TALLY_N_VERSIONS; v++)
				for (int c = 0; c < TALLY_N_CIPHERS; c++)
					write_other_cell(p, t, d, m, v, c);
}

static void write_devices(struct metrics_part *p, const struct socket_tally *t)
{
	for (unsigned i = 0; i < t->n_devices; i++)
		for (int d = 0; d < N_DIRECTIONS; d++)
			exposition_put_int(p->out, METRIC_DEVICE_CONNECTIONS,
					   LABELS(t->devices[i].name,
						  direction_name((enum direction)d)),
					   t->devices[i].n[d]);
	for (int d = 0; d < N_DIRECTIONS; d++)
		exposition_put_int(p->out, METRIC_DEVICE_DEGRADED,
				   LABELS(direction_name((enum direction)d)), t->degraded[d]);
}

/* ---- reasons ---- */

static void put_fallen(struct metrics_part *p, const char *owner, const char *level, int d,
		       int reason, uint64_t n)
{
	exposition_put_int(p->out, METRIC_FALLBACK_CONNECTIONS,
			   LABELS(owner, level, direction_name((enum direction)d),
				  reason_name((enum reason)reason),
				  reason_class_name(reason_class((enum reason)reason))),
			   n);
}

/* Level kernel is what our own connections know; level device what was seen of all sockets. */
static void write_fallen(struct metrics_part *p, const struct socket_tally *t)
{
	for (int d = 0; d < N_DIRECTIONS; d++)
		for (int r = 1; r < REASON_COUNT; r++) {
			uint64_t n = count_get(&p->sum->fallen[d][r]);

			/* one that has happened stays, or graphs would have holes */
			if (n || count_get(&p->sum->fallback[d][r]))
				put_fallen(p, "ktlsd", "kernel", d, r, n);
			for (int ours = 0; t && ours < 2; ours++)
				if (t->reasons[ours][d][r])
					put_fallen(p, ours ? "ktlsd" : "other", "device", d, r,
						   t->reasons[ours][d][r]);
		}
}

void metrics_write_sockets(struct metrics_part *p)
{
	const struct observer *o = &p->service->observer;
	const char *reason, *detail;
	bool available = observer_is_available(o, &reason, &detail);
	struct socket_tally tally;
	/* Whose a socket is, only the workers can tell. */
	bool told = available && p->in->has_tags;

	p->up[SOURCE_OBSERVER] = available;
	if (told)
		socket_tally_count(&tally, o->last.sockets, o->last.n, p->in->tags, p->in->n_tags);
	write_own(p, told ? &tally : NULL);
	if (told) {
		write_others(p, &tally);
		write_devices(p, &tally);
	}
	write_fallen(p, told ? &tally : NULL);
}
