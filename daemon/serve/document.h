/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the path of a request to an open file beneath a root. Knows paths and files; neither
 * HTTP's conditions nor connections.
 */
#ifndef KTLSD_SERVE_DOCUMENT_H
#define KTLSD_SERVE_DOCUMENT_H

#include <stdbool.h>

#include "serve/http_reply.h"
#include "serve/http_text.h"

struct mime;

/* What is served. */
struct document_root {
	int fd;		   /* of the directory, O_PATH */
	char *index;	   /* file served for a directory */
	struct mime *mime; /* a reference, or NULL: no types are known */
};

/* Opens the directory: its descriptor, or -errno; -ENOSYS before openat2 (Linux 5.6). */
int document_open_root(const char *path);

enum { DOCUMENT_PATH_MAX = 4096 };

/* A path of a request as a file system has it. */
struct document_path {
	char text[DOCUMENT_PATH_MAX]; /* relative to the root, no empty, "." or ".." in it */
	size_t len;
	bool is_directory; /* it ended with a slash, or names the root */
};

/*
 * Decodes the path and takes dot segments out of it (RFC 3986 2.1, 5.2.4; nginx does the same).
 * 0, or the status that answers it: 400 for a wrong escape, a NUL, and for leaving the root; 404
 * for an encoded slash, which no name can hold; 414 for one that no file can have.
 */
int document_decode(struct document_path *p, struct http_text path);

/*
 * Writes the path with a slash at its end as a reference, for what names a directory without it.
 * 0, or 414 when it is too long to be sent.
 */
int document_locate(char location[HTTP_LOCATION_MAX], const struct document_path *p);

/*
 * Opens the regular file that the path names, for a directory its index, never leaving the root:
 * links that do, devices and pipes are not found. Gives the descriptor and fills the entity; or
 * -status: -301 for a directory whose path has no slash at its end, -404, -403 where rights are
 * missing, -503 when descriptors or memory are; -500 for anything else.
 */
int document_open(const struct document_root *root, const struct document_path *p,
		  struct http_entity *e);

#endif
