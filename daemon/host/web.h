/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An HTTP server for requests without a body, in a loop. Never waits for clients, and gives each its
 * time; must not know what is asked for.
 */
#ifndef KTLSD_HOST_WEB_H
#define KTLSD_HOST_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;
struct loop;
struct web;

enum web_status {
	WEB_OK = 200,
	WEB_BAD_REQUEST = 400,
	WEB_NOT_FOUND = 404,
	WEB_NOT_ALLOWED = 405,
	WEB_UNAVAILABLE = 503,
};

struct web_request {
	struct web_request *prev, *next;
	struct MHD_Connection *connection;
	unsigned what; /* the handler's own */
	bool is_read_only;
	bool is_waiting, has_waited;
};

/* Answers the request or has it wait; false: it cannot, and the connection ends. */
typedef bool web_handler(void *arg, struct web_request *r, const char *path);

/* NULL when memory is short. It serves nobody yet. */
struct web *web_new(struct loop *loop, web_handler *handler, void *arg);
void web_free(struct web *w); /* closes everything; NULL is fine */

/*
 * Serves on this listening TCP or unix socket, which it takes over, instead of the one before; -1:
 * on none. Clients of the former one go on. 0 or -errno.
 */
int web_listen(struct web *w, int fd);

/* NULL: it has none of that name. */
const char *web_header(const struct web_request *r, const char *name);

/* It came to an address that only this host reaches. */
bool web_is_at_loopback(const struct web_request *r);

/* With bytes that are static. False as the handler's. */
bool web_answer(struct web_request *r, enum web_status status, const char *type, const void *bytes,
		size_t len);

/* A text that many answers share. Takes `text` over, also when it gives NULL: memory is short. */
struct web_text;
struct web_text *web_text_new(char *text, size_t len, const char *type);
void web_text_free(struct web_text *t); /* those that are sending it keep it; NULL is fine */
bool web_answer_text(struct web_request *r, const struct web_text *t);

/* Has the handler called again after web_resume(), with has_waited. Gives what it shall give. */
bool web_wait(struct web *w, struct web_request *r);

/* The first of those that wait: a list by `next`. */
const struct web_request *web_waiting(const struct web *w);
void web_resume(struct web *w); /* all of them */

/* For the loop: when to call web_tick() (UINT64_MAX: no need), after each batch. */
uint64_t web_next_deadline(const struct web *w);
void web_tick(struct web *w, uint64_t now);

#endif
