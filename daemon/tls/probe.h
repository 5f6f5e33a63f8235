/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this kernel's kTLS can do, found by doing it: real records through a loopback pair, one
 * side in the kernel, the other in user space, per version, cipher and direction.
 */
#ifndef KTLSD_TLS_PROBE_H
#define KTLSD_TLS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/counters.h"
#include "base/suite.h"

enum probe_verdict {
	PROBE_SKIPPED, /* does not apply to this version or direction, or data failed already */
	PROBE_NO,
	PROBE_YES,
};

struct probe_feature {
	enum probe_verdict verdict;
	int err; /* positive errno behind NO */
};

/* One version, cipher and direction. */
struct probe_cell {
	struct probe_feature data;     /* records of several sizes and a control record, intact */
	struct probe_feature rekey;    /* TLS 1.3: new keys on the running connection, then data */
	struct probe_feature zerocopy; /* tx: TLS_TX_ZEROCOPY_RO is accepted */
	struct probe_feature no_pad;   /* rx, TLS 1.3: TLS_RX_EXPECT_NO_PAD is accepted */
	struct probe_feature max_payload; /* tx: TLS_TX_MAX_PAYLOAD_LEN is accepted */
};

enum { PROBE_N_VERSIONS = 2, PROBE_N_CIPHERS = 4, PROBE_DRIVER_LEN = 64 };

struct probe {
	int ulp_err; /* 0: TCP_ULP "tls" can be set; else the positive errno */
	struct probe_cell cell[PROBE_N_VERSIONS][PROBE_N_CIPHERS][N_DIRECTIONS];
	char aes_driver[PROBE_DRIVER_LEN]; /* of gcm(aes) in /proc/crypto, "" if none is there */
	uint32_t duration_ms;
};

/* Runs it all; some seconds on a slow machine. Needs memory and loopback sockets: 0 or -errno. */
int probe_run(struct probe *p);

/* The suite that stands for row `cipher` of that version: for names and lookups. */
const struct suite *probe_suite(unsigned version, unsigned cipher);

/* The cell of a suite and direction. */
const struct probe_cell *probe_find(const struct probe *p, const struct suite *s, enum direction d);

/* True if some TLS 1.3 direction passed a rekey: the kernel is >= 6.14 in what matters. */
bool probe_has_rekey(const struct probe *p);

/* True if that gcm(aes) driver is the generic C code, several times slower than user space. */
bool probe_is_generic_driver(const char *driver);

/* "yes", "no", "skipped" */
const char *probe_verdict_name(enum probe_verdict v);

#endif
