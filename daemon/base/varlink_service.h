/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.varlink.service: what every Varlink service says about itself, and the standard errors. */
#ifndef KTLSD_BASE_VARLINK_SERVICE_H
#define KTLSD_BASE_VARLINK_SERVICE_H

struct json;
struct varlink_conn;
struct varlink_service;

#define VARLINK_SERVICE "org.varlink.service"

/* Answers the open call, which is one of org.varlink.service; errors as varlink_reply(). */
int varlink_service_call(struct varlink_conn *conn, const struct varlink_service *service,
			 const char *method, struct json *parameters);

/* Answers the open call with a standard error ("MethodNotFound"), which has one parameter, or
 * none when `key` is NULL. */
int varlink_service_error(struct varlink_conn *conn, const char *error, const char *key,
			  const char *value);

#endif
