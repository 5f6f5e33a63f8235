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
#include "requests.h"

enum { CHUNK = 65536 };

static void put_body(enum pattern which, uint64_t len)
{
	if (requests_put_body(stdout, which, len))
		err(1, "stdout");
}

/* What the backend says of a body of that length: its hash, a blank, the length, a newline. */
static size_t receipt(uint64_t len, char *text, size_t size)
{
	static uint8_t chunk[CHUNK];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned int n_hash = 0;
	size_t at = 0;

	if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		errx(1, "SHA-256");
	for (uint64_t done = 0; done < len; done += CHUNK) {
		size_t n = len - done < CHUNK ? (size_t)(len - done) : CHUNK;

		pattern_fill(PATTERN_UP, done, chunk, n);
		EVP_DigestUpdate(ctx, chunk, n);
	}
	if (!EVP_DigestFinal_ex(ctx, hash, &n_hash))
		errx(1, "SHA-256");
	EVP_MD_CTX_free(ctx);
	for (unsigned int i = 0; i < n_hash; i++)
		at += (size_t)snprintf(text + at, size - at, "%02x", hash[i]);
	return at + (size_t)snprintf(text + at, size - at, " %llu\n", (unsigned long long)len);
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
		put_body(PATTERN_DOWN, len);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	if (!strcmp(what, "body") && argc == 4)
		put_body(!strcmp(argv[2], "up") ? PATTERN_UP : PATTERN_DOWN,
			 strtoull(argv[3], NULL, 10));
	else if (!strcmp(what, "requests"))
		requests_put(stdout, argv + 2, argc - 2);
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
