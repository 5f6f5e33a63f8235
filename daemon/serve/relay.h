/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The `proxy:` backend: connects to a TCP or unix address and pumps both flows. */
#ifndef KTLSD_SERVE_RELAY_H
#define KTLSD_SERVE_RELAY_H

#include "serve/backend.h"

extern const struct backend_ops relay_backend;

#endif
