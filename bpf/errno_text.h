/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an errno of kernel TLS means, which depends on who got it where, and what to do. */
#ifndef KTLSD_BPF_ERRNO_TEXT_H
#define KTLSD_BPF_ERRNO_TEXT_H

/* See errno.def. */
enum errno_place {
	ERRNO_ULP,
	ERRNO_KEYS,
	ERRNO_DEVICE,
	ERRNO_RECEIVE,
	ERRNO_SEND,
	ERRNO_N_PLACES,
};

/* Whole English sentences, like those of a reason. */
struct errno_text {
	const char *what;
	const char *remedy;
};

/* NULL where kernel TLS gives that errno no meaning of its own. */
const struct errno_text *errno_text(enum errno_place place, int error);

#endif
