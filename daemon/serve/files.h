/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The backend that serves a directory over HTTP/1.1. */
#ifndef KTLSD_SERVE_FILES_H
#define KTLSD_SERVE_FILES_H

#include "serve/backend.h"

extern const struct backend_ops files_backend;

#endif
