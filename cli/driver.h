/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's AES driver, as /proc/crypto names it: is it a fast one? */
#ifndef KTLSD_CLI_DRIVER_H
#define KTLSD_CLI_DRIVER_H

#include <stdbool.h>

/* True for the portable C code, which is several times slower than user space. NULL: not known,
 * false. */
bool driver_is_slow(const char *driver);

/* What to do when it is slow. */
const char *driver_advice(void);

/* A field of the screen, and what to do when it is slow. Both print nothing for NULL. */
void driver_print(const char *driver);
void driver_print_advice(const char *driver);

#endif
