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

/* A head, and the small body of an error, always fit. The limits of texts include their NUL. */
enum {
	HTTP_HEAD_MAX = 1024,
	HTTP_ETAG_MAX = 64,
	HTTP_BOUNDARY_MAX = 40,
	HTTP_TYPE_MAX = 256,
	HTTP_LOCATION_MAX = 512,
};

/* What is known of the file that a request selects. */
struct http_entity {
	uint64_t size;		  /* bytes */
	time_t modified;	  /* seconds */
	char etag[HTTP_ETAG_MAX]; /* a strong validator, with its quotes; empty: none */
	const char *type;	  /* media type; NULL, or too long: not said */
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
 * What http_write_head() needs to know. For 200, 206, 304 and 416 the entity, for other errors
 * NULL is fine. Of a 206 either the range, or for several the boundary of their parts and the sum
 * of these with their heads and the closing line as body_len.
 */
struct http_head {
	int status;
	const struct http_entity *entity;
	const struct http_range *range;
	const char *boundary;
	uint64_t body_len;    /* bytes; with a boundary only */
	const char *location; /* of a 301: a reference to elsewhere, encoded */
	bool keep_alive;
	bool head_only; /* the answer to HEAD */
	time_t now;
};

/*
 * Writes a head: status line, Date, Server, Connection, Content-Length but for 304, and what the
 * status wants (Content-Type, Last-Modified, ETag, Accept-Ranges, Content-Range, Allow, Location).
 * The one-line body of an error follows unless `head_only`; a status unknown here is written as 500.
 * Gives the bytes written, <= HTTP_HEAD_MAX.
 */
size_t http_write_head(char buf[HTTP_HEAD_MAX], const struct http_head *h);

/*
 * The head of one part of multipart/byteranges (RFC 9110 14.6), with the line end that parts it
 * from what precedes; with range NULL the closing line. Gives the bytes written, <= HTTP_HEAD_MAX.
 */
size_t http_write_part(char buf[HTTP_HEAD_MAX], const struct http_entity *e,
		       const struct http_range *range, const char *boundary);

#endif
