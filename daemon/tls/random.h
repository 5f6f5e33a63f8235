/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the bundled wolfSSL has its random numbers from: straight from the kernel, so that no
 * object carries a generator of its own, to be seeded, and to be kept apart after a fork. wolfSSL
 * is compiled with this header in front of each file; see wolfssl/build.
 */
#ifndef KTLSD_TLS_RANDOM_H
#define KTLSD_TLS_RANDOM_H

#ifndef __ASSEMBLER__
/* Fills len bytes. 0, or -1 with the bytes not to be used. */
int ktlsd_random(unsigned char *out, unsigned int len);
#endif

#endif
