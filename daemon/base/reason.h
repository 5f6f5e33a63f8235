/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reasons: why a direction is not in the kernel, and why a connection was refused or ended. */
#ifndef KTLSD_BASE_REASON_H
#define KTLSD_BASE_REASON_H

enum reason {
	REASON_NONE, /* no fallback, not ended */
#define REASON(id, class, wire, what, remedy) REASON_##id,
#include "base/reason.def"
#undef REASON
	REASON_COUNT
};

enum reason_class { REASON_CLASS_OK, REASON_CLASS_PEER, REASON_CLASS_HOST, REASON_CLASS_BUG };

/* The wire string ("ktls-no-ulp"); "none" for REASON_NONE. */
const char *reason_name(enum reason r);

/* What happened, and what to do about it: whole English sentences. */
const char *reason_what(enum reason r);
const char *reason_remedy(enum reason r);

enum reason_class reason_class(enum reason r);
const char *reason_class_name(enum reason_class c); /* "ok", "peer", "host", "bug" */

/* The reason with that wire string, or REASON_NONE. */
enum reason reason_find(const char *wire);

#endif
