/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Heads of responses, and the conditions that choose them (RFC 9110 13). Text into a caller's
 * buffer; knows neither files nor connections.
 */
#ifndef KTLSD_SERVE_HTTP_REPLY_H
#define KTLSD_SERVE_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "serve/http_range.h"
#include "serve/http_request.h"

/* A head, and the small body of an error, always fit. */
enum { HTTP_HEAD_MAX = 1024, HTTP_ETAG_MAX = 64, HTTP_BOUNDARY_MAX = 40 };

/* What is known of the file that a request selects. */
struct http_entity {
	uint64_t size;		  /* bytes */
	time_t modified;	  /* seconds */
	char etag[HTTP_ETAG_MAX]; /* a strong validator, with its quotes */
	const char *type;	  /* media type */
};

/* The etag of a file from its size, time of modification and inode number. */
void http_make_etag(char etag[HTTP_ETAG_MAX], uint64_t size, struct timespec modified,
		    uint64_t inode);

/*
 * The status that the request's conditions and ranges give for the entity: 200, 206 with *n
 * ranges, 304, 412 or 416, in the order of RFC 9110 13.2.2. `now` judges whether a date of
 * modification is strong enough for If-Range.
 */
int http_choose_status(const struct http_request *r, const struct http_entity *e, time_t now,
		       struct http_range range[HTTP_RANGES_MAX], int *n);

/*
 * Writes a head: status line, Date, Server, Content-Length, Connection when it closes, and what
 * the status wants (Content-Type, Last-Modified, ETag, Accept-Ranges, Content-Range, Allow).
 * `e` may be NULL for errors, whose one-line body follows the head unless `head_only`. `range` is
 * that of a 206 with one range; for several, `boundary` is not NULL and body_len is the sum of all
 * parts. Gives the bytes written, <= HTTP_HEAD_MAX.
 */
struct http_head {
	int status;
	const struct http_entity *entity;
	const struct http_range *range;
	const char *boundary;
	uint64_t body_len;
	bool keep_alive;
	bool head_only; /* the answer to HEAD */
	time_t now;
};

size_t http_write_head(char buf[HTTP_HEAD_MAX], const struct http_head *h);

/*
 * The head of one part of multipart/byteranges (RFC 9110 14.6), or with range NULL the closing
 * line. Gives the bytes written, <= HTTP_HEAD_MAX.
 */
size_t http_write_part(char buf[HTTP_HEAD_MAX], const struct http_entity *e,
		       const struct http_range *range, const char *boundary);

#endif
