/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a request asks for: the target of its first line, and the host (RFC 9112 3.2). */
#ifndef KTLSD_SERVE_HTTP_TARGET_H
#define KTLSD_SERVE_HTTP_TARGET_H

#include <stdbool.h>

#include "serve/http_text.h"

/*
 * True for host [":" port] (RFC 9110 7.2). Never empty, and nothing of a user, both of which http
 * forbids (4.2.1, 4.2.4).
 */
bool http_is_authority(struct http_text text);

/*
 * Finds the path of a target, without its query; both are slices of it. Origin form and absolute
 * form of http and https are taken; the latter's authority replaces *host (RFC 9112 3.2.2).
 * -EBADMSG for the other forms, and for bytes that a sender has to encode.
 */
int http_target_split(struct http_text target, struct http_text *path, struct http_text *host);

#endif
