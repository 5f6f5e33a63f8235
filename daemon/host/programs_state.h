/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the monitor tells the server of the kernel programs, as bytes in a memfd. */
#ifndef KTLSD_HOST_PROGRAMS_STATE_H
#define KTLSD_HOST_PROGRAMS_STATE_H

#include <stdint.h>

enum programs_stage {
	PROGRAMS_LOADING, /* nobody knows yet */
	PROGRAMS_LOADED,
	PROGRAMS_FAILED,   /* nothing of this build is there; error and text say why */
	PROGRAMS_UNLOADED, /* somebody wanted it so */
	PROGRAMS_N_STAGES,
};

enum { PROGRAMS_MAX = 40, PROGRAM_NAME_LEN = 40, PROGRAM_TEXT_LEN = 160 };

/* Both processes are of one build; still no length is taken on trust. */
struct programs_state {
	uint32_t stage; /* enum programs_stage */
	int32_t error;	/* errno */
	char text[256];
	uint64_t since_ns; /* CLOCK_BOOTTIME when the totals began */
	uint8_t adopted, waiting_for_tls, payload, pad[1];
	uint32_t n;
	struct program_state {
		char name[PROGRAM_NAME_LEN];
		int32_t error; /* errno; 0: attached, or waiting for tls */
		uint8_t attached, pad[3];
		char text[PROGRAM_TEXT_LEN]; /* why it is not attached */
	} programs[PROGRAMS_MAX];
};

/* A descriptor, the caller's, or -errno. */
int programs_state_pack(const struct programs_state *s);

/* 0, or -EPROTO for what is none. */
int programs_state_unpack(int fd, struct programs_state *s);

#endif
