/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two channels with each other's keys over loopback TCP. The subject is what is tested: its
 * directions may be in the kernel. The peer is in user space, so that a test can make any wire.
 */
#ifndef KTLSD_TESTS_PAIR_H
#define KTLSD_TESTS_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tls/channel.h"

/* Which directions of the subject the kernel carries. */
struct layer {
	const char *name;
	bool in_kernel[N_DIRECTIONS];
};

enum { N_LAYERS = 4, WIRE_MAX = 64 * 1024 };
extern const struct layer layers[N_LAYERS]; /* the first is user space alone */

struct pair {
	struct channel subject, peer;
	struct pool pool;
	uint8_t wire[WIRE_MAX]; /* sealed by pair_seal(), for the subject */
	size_t wire_len;
};

/* A connected non-blocking TCP pair over loopback without Nagle's delay. */
void pair_sockets(int fd[2]);

/* Gives *p new keys of that suite over these sockets, both directions in user space. */
void pair_init(struct pair *p, uint16_t suite, int subject_fd, int peer_fd);

/* Sockets, the ULP if the layer needs it, keys, and the layer's directions into the kernel. */
void pair_open(struct pair *p, uint16_t suite, const struct layer *layer);

/* Checks that no buffer is left behind, wipes and closes everything. */
void pair_close(struct pair *p);

/* Waits until poll(2) reports one of the events; fails the test after 10 s. */
void wait_for(int fd, short events);

/* channel_recv() of anything but AGAIN. */
struct channel_event recv_event(struct channel *ch, void *buf, size_t cap);

/* Sends all of it, as many records as it needs; it has to fit into the sockets. */
void send_all(struct channel *ch, uint8_t type, const void *p, size_t len);

/* Receives exactly those bytes of that type. */
void expect_bytes(struct channel *ch, uint8_t type, const void *p, size_t len);

void expect_error(struct channel *ch, enum reason reason);

/* True if CHANNEL_AGAIN is all there is. */
bool is_idle(struct channel *ch);

/* Seals one more record of the peer's into p->wire; gives its length. */
size_t pair_seal(struct pair *p, uint8_t type, const void *data, size_t len);

/* Writes wire[from .. to) to the subject. */
void pair_write(struct pair *p, size_t from, size_t to);

bool kernel_has_tls(void);

/* Skips the test where the kernel has no TLS, fails it if KTLSD_EXPECT_KTLS is set. */
void require_kernel_tls(void **state);

/* True if a running TLS 1.3 direction takes new keys; KTLSD_EXPECT_REKEY=0 or 1 must agree. */
bool kernel_can_rekey(void);

/* What the tests below run_layers() run over. */
struct current {
	const struct layer *layer;
	uint16_t suite;
};
extern struct current current;

/*
 * Runs the tests once for each layer from `first` on and each suite; where the kernel has no TLS,
 * require_kernel_tls() stands for its layers. Gives the number of failures.
 */
struct CMUnitTest;
int run_layers(const struct CMUnitTest *tests, size_t n_tests, const uint16_t *suites,
	       size_t n_suites, const struct layer *first);

#endif
