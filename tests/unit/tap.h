/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A wire with an ear: two sockets, what comes from one goes to the other, and a parser of TLS
 * records that shares no code with the project listens to both ways.
 */
#ifndef KTLSD_TESTS_TAP_H
#define KTLSD_TESTS_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What passed in one way. */
struct tap_parser {
	bool tls13, has_nonce; /* has_nonce: records carry an explicit one */
	uint8_t head[13];
	size_t n_head, n_body_left;
	uint64_t n_records, last_nonce;
	size_t longest;	       /* plaintext of the longest record, as far as lengths can tell */
	const char *complaint; /* the first thing that no sound sender does */
};

struct tap_way {
	struct tap_parser parser;
	uint8_t buf[8192];
	size_t off, len;
	bool ended, end_passed;
};

struct tap {
	int fd[2];	       /* not owned; non-blocking */
	struct tap_way way[2]; /* way[i] comes from fd[i] */
};

void tap_init(struct tap *t, int fd0, int fd1, bool tls13, bool has_nonce);

/* Moves once what can be moved. True if something did. Fails the test on a socket's error. */
bool tap_pump(struct tap *t);

/* Events of poll(2) that the tap waits for at fd[i]. */
short tap_events(const struct tap *t, int i);

#endif
