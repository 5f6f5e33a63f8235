/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TLS client that can do wrong what others do right: OpenSSL's handshake, then records made by
 * hand.
 *
 *	evil [-v 1.2|1.3] [-c OPENSSL_CIPHER] [-g GROUPS] [-t SECONDS] ADDRESS PORT STEP...
 *
 * Steps, in order, after the TCP connection is there:
 *	hello		sends a ClientHello
 *	part=N		sends the first N bytes of one
 *	handshake	makes the whole handshake; if it fails, says so and goes on with `read`
 *	text=TEXT	sends these bytes as they are; \r and \n are known
 *	hex=HEX		sends these bytes as they are
 *	data=N		sends N bytes of the pattern in full records
 *	get=N		sends an HTTP request for N bytes
 *	say=TEXT	sends these bytes in a record of data; \r and \n are known
 *	save=FILE	writes the data that comes from now on to the file too
 *	record=TYPE:HEX	sends a record of that content type
 *	patch=AT:HEX	as data=100, with the record's bytes from AT on (from the end, if AT is negative)
 *			replaced
 *	cut=N		sends the first N bytes of such a record
 *	update=0|1	sends a KeyUpdate, which asks for one or not, and changes keys
 *	keys		prints keys, IVs and secrets of both directions in hex
 *	pad=N		sends 100 bytes of data with N bytes of padding (TLS 1.3)
 *	trickle=MS	sends a ClientHello, a byte every MS milliseconds, until the connection is gone
 *	bulk=N		sends N bytes through a service that echoes, reading what comes back; the last
 *			of it is on its way then, in both directions
 *	stream		the same, slower, until a line comes on stdin: prints STREAMS, at the end
 *			sent LENGTH SHA-256, then what has come
 *	flood=TYPE:HEX	sends that record until the connection is gone
 *	prefix		prints "prefix LENGTH" if the data printed last is the beginning of what bulk
 *			sends, by SHA-256
 *	mark		starts a clock
 *	within=MS	prints "within MS", or "late: MS" if more has passed
 *	fin, reset	half-closes, or resets the connection
 *	ready		prints READY
 *	hold		reads nothing more and waits to be killed
 *	line		waits for a line on stdin
 *	read[=N]	reads until the end, or until N bytes of data have come, printing what comes:
 *			data LENGTH SHA-256, alert LEVEL DESCRIPTION, update, bytes LENGTH (what is no
 *			record), eof, reset
 */
#include <err.h>
#include <getopt.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pattern.h"
#include "peer.h"
#include "schedule.h"
#include "seal.h"
#include "stream.h"

static size_t unhex(const char *hex, uint8_t *out, size_t size)
{
	size_t n = 0;

	for (; hex[2 * n]; n++)
		if (n == size || sscanf(hex + 2 * n, "%2hhx", &out[n]) != 1)
			errx(2, "%s: bad hex", hex);
	return n;
}

/* The text's bytes, which out has room for. */
static size_t unescape(const char *text, char *out)
{
	size_t n = 0;

	for (; *text; text++) {
		char c = *text;

		if (c == '\\' && (text[1] == 'r' || text[1] == 'n'))
			c = *++text == 'r' ? '\r' : '\n';
		out[n++] = c;
	}
	return n;
}

static char *new_copy(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		errx(1, "no memory");
	return copy;
}

static void put_text(const char *text)
{
	char *bytes = new_copy(text);

	peer_send(bytes, unescape(text, bytes));
	free(bytes);
}

static void put_said(const char *text)
{
	char *bytes = new_copy(text);
	size_t len = unescape(text, bytes);

	for (size_t at = 0; at < len; at += SEAL_PLAIN_MAX)
		peer_put(SEAL_DATA, bytes + at,
			 len - at < SEAL_PLAIN_MAX ? len - at : (size_t)SEAL_PLAIN_MAX);
	free(bytes);
}

static void save_to(const char *path)
{
	peer_came.copy = fopen(path, "we");
	if (!peer_came.copy)
		err(1, "%s", path);
	setvbuf(peer_came.copy, NULL, _IONBF, 0);
}

static void put_hex(const char *hex)
{
	uint8_t bytes[1024];

	peer_send(bytes, unhex(hex, bytes, sizeof(bytes)));
}

/* Sends the first `max` bytes of what OpenSSL would begin with, at once or one by one. */
static void put_hello(size_t max, int pace_ms)
{
	SSL *ssl = peer_new_ssl();
	BIO *out = BIO_new(BIO_s_mem());
	char *bytes;
	size_t len;

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
	SSL_connect(ssl);
	len = (size_t)BIO_get_mem_data(out, &bytes);
	if (pace_ms)
		stream_trickle((uint8_t *)bytes, len, pace_ms);
	else
		peer_send(bytes, len < max ? len : max);
	SSL_free(ssl);
}

static void print_side(const char *name, const struct schedule_side *side)
{
	char label[64];

	snprintf(label, sizeof(label), "%s-key", name);
	peer_print_hex(label, side->seal.key, side->seal.c->key_len);
	if (side->seal.version == SEAL_TLS12)
		return; /* four bytes of salt may be found anywhere */
	snprintf(label, sizeof(label), "%s-iv", name);
	peer_print_hex(label, side->seal.nonce, 12);
	snprintf(label, sizeof(label), "%s-secret", name);
	peer_print_hex(label, side->secret, peer.keys.hash_len);
}

static void print_keys(void)
{
	peer_need_keys();
	print_side("client", &peer.keys.client);
	print_side("server", &peer.keys.server);
	if (peer.keys.client.seal.version == SEAL_TLS12)
		peer_print_hex("master", peer.keys.master, sizeof(peer.keys.master));
}

static void put_data(uint64_t len)
{
	static uint8_t data[SEAL_PLAIN_MAX];

	for (uint64_t at = 0; at < len; at += sizeof(data)) {
		size_t n = len - at < sizeof(data) ? (size_t)(len - at) : sizeof(data);

		pattern_fill(PATTERN_UP, at, data, n);
		peer_put(SEAL_DATA, data, n);
	}
}

static void put_request(const char *n)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "GET /%s HTTP/1.1\r\nHost: test\r\n\r\n", n);

	peer_put(SEAL_DATA, text, (size_t)len);
}

static size_t make_sample(void)
{
	uint8_t data[100];

	pattern_fill(PATTERN_UP, 0, data, sizeof(data));
	return peer_make(SEAL_DATA, data, sizeof(data));
}

/* The two halves of "A:B". */
static const char *split(const char *text, long *first)
{
	char *end;

	*first = strtol(text, &end, 0);
	if (*end != ':')
		errx(2, "%s: expected NUMBER:HEX", text);
	return end + 1;
}

static void put_record_hex(const char *text)
{
	uint8_t data[1024];
	long type;
	const char *hex = split(text, &type);

	peer_put((uint8_t)type, data, unhex(hex, data, sizeof(data)));
}

static void put_patched(const char *text)
{
	long at;
	const char *hex = split(text, &at);
	size_t total = make_sample();

	if (at < 0)
		at += (long)total;
	unhex(hex, peer_record + at, total - (size_t)at);
	peer_send(peer_record, total);
}

static void put_cut(size_t len)
{
	make_sample();
	peer_send(peer_record, len);
}

/* The type of a record that seems to have none is its last byte that is not zero (RFC 8446 5.4). */
static void put_padded(size_t n)
{
	uint8_t data[SEAL_PLAIN_MAX + 1] = { 0 };

	if (101 + n > SEAL_PLAIN_MAX + 1)
		errx(2, "%zu bytes of padding are too many", n);
	pattern_fill(PATTERN_UP, 0, data, 100);
	data[100] = SEAL_DATA;
	peer_put(0, data, 100 + n);
}

static void put_flood(const char *text)
{
	uint8_t data[1024];
	long type;
	const char *hex = split(text, &type);

	stream_flood((uint8_t)type, data, unhex(hex, data, sizeof(data)));
}

static void put_update(uint8_t request)
{
	const uint8_t message[] = { 24, 0, 0, 1, request };

	peer_put(SEAL_HANDSHAKE, message, sizeof(message));
	schedule_update(&peer.keys, &peer.keys.client);
}

/* ---- steps ---- */

static void reset(void)
{
	const struct linger now = { .l_onoff = 1 };

	setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(peer.fd);
}

static void wait_line(void)
{
	int c;

	do
		c = getchar();
	while (c != '\n' && c != EOF);
}

static bool take_plain_step(const char *step)
{
	if (!strcmp(step, "hello"))
		put_hello(SIZE_MAX, 0);
	else if (!strcmp(step, "handshake"))
		peer_handshake();
	else if (!strcmp(step, "keys"))
		print_keys();
	else if (!strcmp(step, "fin"))
		shutdown(peer.fd, SHUT_WR);
	else if (!strcmp(step, "reset"))
		reset();
	else if (!strcmp(step, "ready"))
		puts("READY");
	else if (!strcmp(step, "hold"))
		pause();
	else if (!strcmp(step, "line"))
		wait_line();
	else if (!strcmp(step, "stream"))
		stream_until_line();
	else if (!strcmp(step, "prefix"))
		stream_print_prefix();
	else if (!strcmp(step, "mark"))
		stream.mark_ms = stream_clock_ms();
	else if (!strcmp(step, "read"))
		peer_read(UINT64_MAX);
	else
		return false;
	return true;
}

static void take_step(const char *step)
{
	const char *value = strchr(step, '=');
	size_t len = value ? (size_t)(value++ - step) : 0;

#define IS(name) (len == strlen(name) && !strncmp(step, name, len))
	if (take_plain_step(step))
		return;
	if (IS("part"))
		put_hello(strtoul(value, NULL, 10), 0);
	else if (IS("trickle"))
		put_hello(SIZE_MAX, atoi(value));
	else if (IS("text"))
		put_text(value);
	else if (IS("say"))
		put_said(value);
	else if (IS("save"))
		save_to(value);
	else if (IS("hex"))
		put_hex(value);
	else if (IS("data"))
		put_data(strtoull(value, NULL, 10));
	else if (IS("get"))
		put_request(value);
	else if (IS("record"))
		put_record_hex(value);
	else if (IS("patch"))
		put_patched(value);
	else if (IS("cut"))
		put_cut(strtoul(value, NULL, 10));
	else if (IS("pad"))
		put_padded(strtoul(value, NULL, 10));
	else if (IS("bulk"))
		stream_bulk(strtoull(value, NULL, 10));
	else if (IS("flood"))
		put_flood(value);
	else if (IS("within"))
		stream_print_elapsed(strtoull(value, NULL, 10));
	else if (IS("update"))
		put_update((uint8_t)strtoul(value, NULL, 10));
	else if (IS("read"))
		peer_read(strtoull(value, NULL, 10));
	else
		errx(2, "%s: no such step", step);
#undef IS
}

int main(int argc, char **argv)
{
	unsigned int seconds = 60;
	int option;

	while ((option = getopt(argc, argv, "+v:c:g:t:")) != -1) {
		if (option == 'v')
			peer_options.version = !strcmp(optarg, "1.2") ? TLS1_2_VERSION :
					       !strcmp(optarg, "1.1") ? TLS1_1_VERSION :
									TLS1_3_VERSION;
		else if (option == 'c')
			peer_options.cipher = optarg;
		else if (option == 'g')
			peer_options.groups = optarg;
		else if (option == 't')
			seconds = (unsigned int)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind < 3)
		errx(2, "usage: evil [-v 1.2|1.3] [-c CIPHER] [-g GROUPS] [-t SECONDS] ADDRESS "
			"PORT STEP...");
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	alarm(seconds);
	peer_dial(argv[optind], argv[optind + 1]);
	for (int i = optind + 2; i < argc; i++)
		take_step(argv[i]);
	return 0;
}
