/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic in both directions at once, through a service that sends back what it gets; and records
 * without end. The connection is peer.h's.
 */
#ifndef KTLSD_TESTS_STREAM_H
#define KTLSD_TESTS_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "pattern.h"
#include "peer.h"

/* On the way at most, which all the buffers between hold: nobody waits for somebody who waits. */
enum { STREAM_WINDOW = 128 * 1024, STREAM_PACE_MS = 50 };

static struct {
	EVP_MD_CTX *digest; /* of what was sent, if wanted */
	uint64_t sent;
	uint64_t mark_ms;
} stream;

static inline uint64_t stream_clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static inline void stream_put(void)
{
	static uint8_t data[SEAL_PLAIN_MAX];

	pattern_fill(PATTERN_UP, stream.sent, data, sizeof(data));
	if (stream.digest)
		EVP_DigestUpdate(stream.digest, data, sizeof(data));
	peer_put(SEAL_DATA, data, sizeof(data));
	stream.sent += sizeof(data);
}

/* What can be done now, or within that time: 1 read, 2 write, 4 a line on stdin, 0 nothing. */
static inline int stream_wait(bool may_send, bool has_line, int timeout_ms)
{
	struct pollfd fds[] = { { .fd = peer.fd, .events = POLLIN },
				{ .fd = has_line ? STDIN_FILENO : -1, .events = POLLIN } };

	if (may_send)
		fds[0].events |= POLLOUT;
	if (poll(fds, 2, timeout_ms) <= 0)
		return 0;
	return (fds[0].revents & (POLLIN | POLLHUP | POLLERR) ? 1 : 0) |
	       (fds[0].revents & POLLOUT ? 2 : 0) | (fds[1].revents ? 4 : 0);
}

/* Sends that much as fast as it comes back, and leaves the last of it on the way. */
static inline void stream_bulk(uint64_t len)
{
	uint64_t end = stream.sent + len;

	while (stream.sent < end) {
		int can = stream_wait(stream.sent - peer_came.len < STREAM_WINDOW, false, -1);

		if (can & 1) {
			if (!peer_get())
				return;
		} else if (can & 2) {
			stream_put();
		}
	}
}

/* True if all has come back. */
static inline bool stream_finish(void)
{
	while (peer_came.len < stream.sent)
		if (!peer_get())
			return false;
	return true;
}

/*
 * Sends a record now and then until a line comes on stdin, then waits until all is back. Prints
 * STREAMS once some is, and at the end "sent LENGTH SHA-256" before what came.
 */
static inline void stream_until_line(void)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	bool told = false;
	unsigned int n;
	char label[64];

	stream.digest = EVP_MD_CTX_new();
	EVP_DigestInit_ex(stream.digest, EVP_sha256(), NULL);
	for (;;) {
		int can = stream_wait(false, true, STREAM_PACE_MS);

		if (can & 4)
			break;
		if (can & 1) {
			if (!peer_get())
				return;
		} else if (stream.sent - peer_came.len < STREAM_WINDOW) {
			stream_put();
		}
		if (peer_came.len && !told)
			puts("STREAMS");
		told = peer_came.len;
	}
	if (!stream_finish())
		return;
	EVP_DigestFinal_ex(stream.digest, hash, &n);
	snprintf(label, sizeof(label), "sent %llu", (unsigned long long)stream.sent);
	peer_print_hex(label, hash, n);
	peer_print_data();
}

/* Says whether what came back is the beginning of what stream_bulk() sends. */
static inline void stream_print_prefix(void)
{
	static uint8_t data[SEAL_PLAIN_MAX];
	uint8_t hash[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	unsigned int n;

	EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
	for (uint64_t at = 0; at < peer_printed.len; at += sizeof(data)) {
		uint64_t left = peer_printed.len - at;
		size_t len = left < sizeof(data) ? (size_t)left : sizeof(data);

		pattern_fill(PATTERN_UP, at, data, len);
		EVP_DigestUpdate(digest, data, len);
	}
	EVP_DigestFinal_ex(digest, hash, &n);
	EVP_MD_CTX_free(digest);
	if (peer_printed.len && !memcmp(hash, peer_printed.hash, n))
		printf("prefix %llu\n", (unsigned long long)peer_printed.len);
	else
		puts("no prefix");
}

static inline void stream_print_elapsed(uint64_t allowed_ms)
{
	uint64_t ms = stream_clock_ms() - stream.mark_ms;

	if (ms > allowed_ms)
		printf("late: %llu\n", (unsigned long long)ms);
	else
		printf("within %llu\n", (unsigned long long)allowed_ms);
}

/* Sends that record until the connection is gone. */
static inline void stream_flood(uint8_t type, const uint8_t *data, size_t len)
{
	for (;;) {
		int can = stream_wait(true, false, -1);

		if (can & 1) {
			if (!peer_get())
				return;
		} else if (can & 2) {
			peer_put(type, data, len);
		}
	}
}

/* Sends the bytes one by one, until they are sent or the connection is gone. */
static inline void stream_trickle(const uint8_t *data, size_t len, int pace_ms)
{
	for (size_t i = 0; i < len; i++) {
		peer_send(data + i, 1);
		if (stream_wait(false, false, pace_ms))
			return;
	}
}

#endif
