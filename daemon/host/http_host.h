/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a Host header names this very machine. A page from anywhere can have a browser ask
 * whoever it likes, and read the answer if its own name resolves to us (DNS rebinding); but then the
 * header has that name.
 */
#ifndef KTLSD_HOST_HTTP_HOST_H
#define KTLSD_HOST_HTTP_HOST_H

#include <stdbool.h>

/*
 * An address, which no name server is asked for; localhost and what is below it (RFC 6761 6.3); or
 * what the configuration calls it (HOST:PORT, or NULL). A port may follow, any.
 */
bool http_host_is_local(const char *host, const char *configured);

#endif
