/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loopback pair and what is sent through it. */
#include "tls/probe.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "tls/aead.h"
#include "tls/channel.h"
#include "tls/ktls.h"

enum { STEP_MS = 3000, CHUNK = 4096 };

/* `near` is the side under test, of which one direction goes into the kernel. */
struct pair {
	struct pool pool;
	struct channel near, far;
	int near_fd, far_fd;
};

static const uint16_t ciphers[PROBE_N_CIPHERS] = {
	TLS_CIPHER_AES_GCM_128,
	TLS_CIPHER_AES_GCM_256,
	TLS_CIPHER_CHACHA20_POLY1305,
	TLS_CIPHER_AES_CCM_128,
};

const struct suite *probe_suite(unsigned version, unsigned cipher)
{
	return suite_find_cipher(version ? TLS13 : TLS12, ciphers[cipher]);
}

static int loopback_pair(int *a, int *b)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	_cleanup_fd_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_fd_ int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || client < 0 || bind(listener, (struct sockaddr *)&addr, len) ||
	    listen(listener, 1) || getsockname(listener, (struct sockaddr *)&addr, &len) ||
	    connect(client, (struct sockaddr *)&addr, len))
		return -errno;
	*b = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (*b < 0)
		return -errno;
	*a = fd_take(&client);
	return 0;
}

/* Both ends' keys of one direction: the same random secret. */
static int make_keys(const struct suite *s, struct keys **sender, struct keys **receiver)
{
	struct keys *k = *sender = keys_new();
	uint64_t id;
	int err;

	*receiver = keys_new();
	if (!k || !*receiver)
		return -ENOMEM;
	k->suite = s;
	err = aead_random(k->secret, s->hash_len);
	if (err)
		return err;
	if (s->version == TLS13) {
		err = aead_derive(k);
	} else {
		memcpy(k->key, k->secret, s->key_len);
		memcpy(k->iv, k->secret + s->hash_len - KEYS_IV_LEN,
		       s->aead == AEAD_CHACHA ? 12 : 4);
		k->nonce = 1;
	}
	id = (*receiver)->id;
	**receiver = *k;
	(*receiver)->id = id;
	return err;
}

static int pair_open(struct pair *p, const struct suite *s)
{
	struct keys *near_tx = NULL, *near_rx = NULL, *far_tx = NULL, *far_rx = NULL;
	int err;

	*p = (struct pair){ .near_fd = -1, .far_fd = -1 };
	pool_init(&p->pool, 4);
	err = make_keys(s, &near_tx, &far_rx);
	if (!err)
		err = make_keys(s, &far_tx, &near_rx);
	channel_init(&p->near, -1, &p->pool, near_tx, near_rx);
	channel_init(&p->far, -1, &p->pool, far_tx, far_rx);
	if (!err)
		err = loopback_pair(&p->near_fd, &p->far_fd);
	p->near.fd = p->near_fd;
	p->far.fd = p->far_fd;
	return err;
}

static void pair_close(struct pair *p)
{
	channel_fini(&p->near);
	channel_fini(&p->far);
	fd_close(&p->near_fd);
	fd_close(&p->far_fd);
	pool_fini(&p->pool);
}

static int event_err(const struct channel_event *ev)
{
	return ev->result == CHANNEL_EOF ? ECONNRESET : ev->err ? ev->err : EPROTO;
}

/* Waits for what the channel lacks; a positive errno when the step's time is over. */
static int wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, STEP_MS) == 1 ? 0 : ETIMEDOUT;
}

/* One record of that type across; 0, or a positive errno. */
static int cross(struct channel *from, struct channel *to, uint8_t type, const uint8_t *sent,
		 size_t len)
{
	uint8_t got[CHUNK];
	size_t n = 0;
	struct channel_event ev = channel_send(from, type, sent, len);

	if (ev.result == CHANNEL_ERROR || ev.len != len)
		return event_err(&ev);
	while (n < len) {
		ev = channel_recv(to, got + n, len - n);
		if (ev.result == CHANNEL_AGAIN) {
			int err = wait_for(to->fd, POLLIN);

			if (err)
				return err;
			continue;
		}
		if ((ev.result != CHANNEL_DATA && ev.result != CHANNEL_CONTROL) || ev.type != type)
			return event_err(&ev);
		n += ev.len;
	}
	return memcmp(sent, got, len) ? EBADMSG : 0;
}

static int cross_some(struct channel *from, struct channel *to)
{
	static const size_t lens[] = { 1, 2, 15, 16, 1000, CHUNK };
	uint8_t bytes[CHUNK];
	int err = 0;

	if (aead_random(bytes, sizeof(bytes)))
		return EIO;
	for (size_t i = 0; i < ARRAY_SIZE(lens) && !err; i++)
		err = cross(from, to, RECORD_DATA, bytes, lens[i]);
	return err ? err : cross(from, to, RECORD_HANDSHAKE, bytes, 5);
}

static void judge(struct probe_feature *f, int err)
{
	f->verdict = err ? PROBE_NO : PROBE_YES;
	f->err = abs(err);
}

/* Both sides take the next keys as after a KeyUpdate, then data must pass again. */
static int rekey(struct pair *p, enum direction d, struct channel *from, struct channel *to)
{
	static const uint8_t update[] = { 24, 0, 0, 1, 0 };
	int err = cross(from, to, RECORD_HANDSHAKE, update, sizeof(update));

	if (!err)
		err = -channel_rekey(&p->near, d);
	if (!err)
		err = -channel_rekey(&p->far, d == TX ? RX : TX);
	return err ? err : cross_some(from, to);
}

static void probe_options(struct probe_cell *cell, int fd, const struct suite *s, enum direction d)
{
	if (d == TX) {
		judge(&cell->max_payload, ktls_set_max_payload(fd, RECORD_PLAIN_MAX));
		judge(&cell->zerocopy, ktls_set_zerocopy(fd));
	} else if (s->version == TLS13) {
		judge(&cell->no_pad, ktls_set_no_pad(fd));
	}
}

static void probe_cell_run(struct probe_cell *cell, struct pair *p, const struct suite *s,
			   enum direction d)
{
	struct channel *from = d == TX ? &p->near : &p->far;
	struct channel *to = d == TX ? &p->far : &p->near;
	int err = ktls_attach(p->near_fd);

	if (!err)
		err = channel_move_to_kernel(&p->near, d);
	judge(&cell->data, err ? err : cross_some(from, to));
	if (cell->data.verdict != PROBE_YES)
		return;
	probe_options(cell, p->near_fd, s, d);
	if (s->version == TLS13)
		judge(&cell->rekey, rekey(p, d, from, to));
}

static int probe_ulp(struct probe *p)
{
	int a = -1, b = -1, err = loopback_pair(&a, &b);

	if (!err)
		p->ulp_err = -ktls_attach(a);
	fd_close(&a);
	fd_close(&b);
	return err;
}

static int probe_cells(struct probe *p)
{
	int err = 0;

	for (unsigned i = 0; i < PROBE_N_VERSIONS * PROBE_N_CIPHERS * N_DIRECTIONS && !err; i++) {
		unsigned version = i / (PROBE_N_CIPHERS * N_DIRECTIONS);
		unsigned cipher = i / N_DIRECTIONS % PROBE_N_CIPHERS;
		enum direction d = i % N_DIRECTIONS;
		const struct suite *s = probe_suite(version, cipher);
		struct probe_cell *cell = &p->cell[version][cipher][d];
		struct pair pair;

		if (p->ulp_err) {
			judge(&cell->data, p->ulp_err);
			continue;
		}
		err = pair_open(&pair, s);
		if (!err)
			probe_cell_run(cell, &pair, s, d);
		pair_close(&pair);
	}
	return err;
}

/* /proc/crypto is blocks of "key : value" lines; the highest priority of a name is used. */
static void find_aes_driver(char driver[static PROBE_DRIVER_LEN])
{
	FILE *f = fopen("/proc/crypto", "re");
	char line[256], candidate[PROBE_DRIVER_LEN] = "", value[PROBE_DRIVER_LEN];
	int best = -1, priority;
	bool is_gcm = false;

	driver[0] = '\0';
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "name : %63s", value) == 1)
			is_gcm = !strcmp(value, "gcm(aes)");
		else if (sscanf(line, "driver : %63s", value) == 1)
			memcpy(candidate, value, sizeof(candidate));
		else if (is_gcm && sscanf(line, "priority : %d", &priority) == 1 &&
			 priority > best) {
			best = priority;
			memcpy(driver, candidate, PROBE_DRIVER_LEN);
		}
	}
	fclose(f);
}

int probe_run(struct probe *p)
{
	uint64_t start = now_ns();
	int err;

	memset(p, 0, sizeof(*p));
	err = probe_ulp(p);
	if (!err)
		err = probe_cells(p);
	find_aes_driver(p->aes_driver);
	p->duration_ms = (uint32_t)((now_ns() - start) / NS_PER_MS);
	return err;
}

const struct probe_cell *probe_find(const struct probe *p, const struct suite *s, enum direction d)
{
	unsigned cipher = 0;

	while (ciphers[cipher] != s->kernel_cipher)
		cipher++; /* every suite's cipher is a column: asserted by a unit test */
	return &p->cell[s->version == TLS13][cipher][d];
}

bool probe_has_rekey(const struct probe *p)
{
	for (unsigned i = 0; i < PROBE_N_CIPHERS * N_DIRECTIONS; i++)
		if (p->cell[1][i / N_DIRECTIONS][i % N_DIRECTIONS].rekey.verdict == PROBE_YES)
			return true;
	return false;
}

/* gcm_base(ctr(aes-generic),ghash-generic) and the like. */
bool probe_is_generic_driver(const char *driver)
{
	return strstr(driver, "aes-generic") || strstr(driver, "aes-lib") ||
	       strstr(driver, "aes-fixed");
}

const char *probe_verdict_name(enum probe_verdict v)
{
	static const char *const names[] = { "skipped", "no", "yes" };

	return names[v];
}
