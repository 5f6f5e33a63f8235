/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far the limit of descriptors goes: what the pool of pipes may take of them. */
#ifndef KTLSD_HOST_DESCRIPTORS_H
#define KTLSD_HOST_DESCRIPTORS_H

struct descriptors {
	unsigned limit; /* RLIMIT_NOFILE; UINT_MAX: none */
	unsigned open;
};

/* Raises the limit to what the hard one allows. */
void descriptors_raise(void);

/* What the process has now. */
void descriptors_read(struct descriptors *d);

/*
 * How many pipes there may be, of as many as wanted: at most half of what is left goes to them when
 * workers, listeners, and whoever asks have theirs, as each connection that moves bytes through one
 * needs two of its own. 0 if nothing is left.
 */
unsigned descriptors_pipes(const struct descriptors *d, unsigned workers, unsigned listeners,
			   unsigned wanted);

/* The limit under which all of them start, and a few connections are served. */
unsigned descriptors_least(unsigned workers, unsigned listeners);

#endif
