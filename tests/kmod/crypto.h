/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fault of the kernel's own: it gets no cipher to stand by for a device. */
#ifndef TLSNIC_CRYPTO_H
#define TLSNIC_CRYPTO_H

int crypto_init(void);
void crypto_exit(void);

#endif
