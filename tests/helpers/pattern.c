/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints what clients send to helpers/backend.c and what must come back, made here without any
 * TLS or network.
 *
 *	pattern body up|down N		the first N bytes of that body
 *	pattern requests N...		PUTs of N bytes, then GETs of N bytes, the last one closing
 *	pattern responses N...		the bytes that answer them, headers and all
 *	pattern bodies N...		the bodies of the answers alone
 */
#include <err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pattern.h"

enum { CHUNK = 65536 };

typedef void sink(void *arg, const uint8_t *p, size_t len);

static void to_stdout(void *arg, const uint8_t *p, size_t len)
{
	(void)arg;
	if (fwrite(p, 1, len, stdout) != len)
		err(1, "stdout");
}

static void to_digest(void *arg, const uint8_t *p, size_t len)
{
	if (!EVP_DigestUpdate(arg, p, len))
		errx(1, "SHA-256");
}

static void body(enum pattern which, uint64_t len, sink *take, void *arg)
{
	static uint8_t chunk[CHUNK];

	for (uint64_t at = 0; at < len; at += CHUNK) {
		size_t n = len - at < CHUNK ? (size_t)(len - at) : CHUNK;

		pattern_fill(which, at, chunk, n);
		take(arg, chunk, n);
	}
}

/* What the backend says of a body of that length: its hash, a blank, the length, a newline. */
static size_t receipt(uint64_t len, char *text, size_t size)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	size_t at = 0;

	if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		errx(1, "SHA-256");
	body(PATTERN_UP, len, to_digest, ctx);
	if (!EVP_DigestFinal_ex(ctx, hash, &n))
		errx(1, "SHA-256");
	EVP_MD_CTX_free(ctx);
	for (unsigned int i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, size - at, "%02x", hash[i]);
	return at + (size_t)snprintf(text + at, size - at, " %llu\n", (unsigned long long)len);
}

static void requests(char **lens, int n)
{
	for (int i = 0; i < n; i++) {
		printf("PUT /body HTTP/1.1\r\nHost: test\r\nContent-Length: %s\r\n\r\n", lens[i]);
		body(PATTERN_UP, strtoull(lens[i], NULL, 10), to_stdout, NULL);
	}
	for (int i = 0; i < n; i++)
		printf("GET /%s HTTP/1.1\r\nHost: test\r\n%s\r\n", lens[i],
		       i == n - 1 ? "Connection: close\r\n" : "");
}

static void header(uint64_t len, int closing)
{
	printf("HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n%s\r\n", (unsigned long long)len,
	       closing ? "Connection: close\r\n" : "");
}

static void responses(char **lens, int n, int with_headers)
{
	char text[256];

	for (int i = 0; i < n; i++) {
		size_t len = receipt(strtoull(lens[i], NULL, 10), text, sizeof(text));

		if (with_headers)
			header(len, 0);
		fputs(text, stdout);
	}
	for (int i = 0; i < n; i++) {
		uint64_t len = strtoull(lens[i], NULL, 10);

		if (with_headers)
			header(len, i == n - 1);
		body(PATTERN_DOWN, len, to_stdout, NULL);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	if (!strcmp(what, "body") && argc == 4)
		body(!strcmp(argv[2], "up") ? PATTERN_UP : PATTERN_DOWN,
		     strtoull(argv[3], NULL, 10), to_stdout, NULL);
	else if (!strcmp(what, "requests"))
		requests(argv + 2, argc - 2);
	else if (!strcmp(what, "responses"))
		responses(argv + 2, argc - 2, 1);
	else if (!strcmp(what, "bodies"))
		responses(argv + 2, argc - 2, 0);
	else
		errx(2, "usage: pattern body up|down N | requests|responses|bodies N...");
	if (fclose(stdout))
		err(1, "stdout");
	return 0;
}
