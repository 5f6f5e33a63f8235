/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of requests: what they decode to, and which file of a real directory they open. */
#include "serve/document.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"

static char directory[] = "/tmp/test_document.XXXXXX";
static struct document_root root = { .fd = -1, .index = (char *)"index.html" };

/* ---- paths ---- */

static int decode(struct document_path *p, const char *path)
{
	return document_decode(p, (struct http_text){ path, strlen(path) });
}

static const struct {
	const char *path;
	const char *text; /* decoded, with a slash at its end for a directory */
} good[] = {
	{ "/", "/" },
	{ "/a", "a" },
	{ "/a/", "a/" },
	{ "/a/b.c", "a/b.c" },
	{ "//a///b//", "a/b/" },
	{ "/./a/./b", "a/b" },
	{ "/a/.", "a/" },
	{ "/a/..", "/" },
	{ "/a/../b", "b" },
	{ "/a/b/../../c/", "c/" },
	{ "/a/b/%2e%2E/c", "a/c" },
	{ "/a/b/..", "a/" },
	{ "/...", "..." },
	{ "/..a/.b", "..a/.b" },
	{ "/a..", "a.." },
	{ "/%41%7e%20%c3%A4", "A~ \xc3\xa4" },
	{ "/a%3Fb%23", "a?b#" },
	{ "/%25%32%65", "%2e" },
	{ "/a\\b", "a\\b" },
};

static const struct {
	const char *path;
	int status;
} bad[] = {
	{ "", 400 },	     { "a", 400 },	 { "*", 400 },
	{ "/..", 400 },	     { "/../a", 400 },	 { "/a/../..", 400 },
	{ "/%2e%2e/", 400 }, { "/.%2E/a", 400 }, { "//..", 400 },
	{ "/./..", 400 },    { "/a%00b", 400 },	 { "/%", 400 },
	{ "/%4", 400 },	     { "/%4g", 400 },	 { "/%g4", 400 },
	{ "/%%41", 400 },    { "/a%2fb", 404 },	 { "/..%2f..%2fa", 404 },
	{ "/%2Fetc", 404 },
};

static void decodes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct document_path p;
		char text[sizeof(p.text) + 2];

		assert_int_equal(decode(&p, good[i].path), 0);
		assert_int_equal(p.len, strlen(p.text));
		snprintf(text, sizeof(text), "%s%s", p.text, p.is_directory ? "/" : "");
		assert_string_equal(text, good[i].text);
	}
}

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct document_path p;

		if (decode(&p, bad[i].path) != bad[i].status)
			fail_msg("'%s' is not refused with %d", bad[i].path, bad[i].status);
	}
}

/* One that no file can have, at each length around the limit. */
static void refuses_the_endless(void **state)
{
	static char text[DOCUMENT_PATH_MAX + 8];
	struct document_path p;

	(void)state;
	for (size_t len = DOCUMENT_PATH_MAX - 8; len < DOCUMENT_PATH_MAX + 8; len++) {
		memset(text, 'a', len);
		text[0] = '/';
		text[len] = '\0';
		assert_int_equal(decode(&p, text), len - 1 > DOCUMENT_PATH_MAX - 2 ? 414 : 0);
		text[len - 1] = '/';
		assert_int_equal(decode(&p, text), len - 2 > DOCUMENT_PATH_MAX - 2 ? 414 : 0);
	}
}

static void locates(void **state)
{
	char location[HTTP_LOCATION_MAX], text[HTTP_LOCATION_MAX];
	struct document_path p;

	(void)state;
	assert_int_equal(decode(&p, "//a b/%c3%a4%0d%0a"), 0);
	assert_int_equal(document_locate(location, &p), 0);
	assert_string_equal(location, "/a%20b/%C3%A4%0D%0A/");
	assert_int_equal(decode(&p, "/"), 0);
	assert_int_equal(document_locate(location, &p), 0);
	assert_string_equal(location, "/");
	for (size_t n = 0; n < 3; n++) {
		memset(text, '&', sizeof(text)); /* three times as long */
		text[0] = '/';
		text[HTTP_LOCATION_MAX / 3 - 2 + n] = '\0';
		assert_int_equal(decode(&p, text), 0);
		if (document_locate(location, &p))
			assert_in_range(p.len * 3 + 3, HTTP_LOCATION_MAX - 2,
					HTTP_LOCATION_MAX + 8);
		else
			assert_int_equal(strlen(location), 3 * p.len + 2);
	}
}

/* ---- files ---- */

static int write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -1;
	fputs(text, file);
	return fclose(file);
}

static int make_socket(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	strcpy(un.sun_path, path);
	r = bind(fd, (struct sockaddr *)&un, sizeof(un));
	close(fd);
	return r;
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory) || chdir(directory) || mkdir("www", 0755) ||
	    mkdir("www/dir", 0755) || mkdir("www/bare", 0755) || write_file("secret", "secret") ||
	    write_file("www/index.html", "root") || write_file("www/dir/index.html", "index") ||
	    write_file("www/dir/a b.txt", "text") || symlink("../secret", "www/out") ||
	    symlink("/etc/passwd", "www/absolute") || symlink("dir/index.html", "www/in") ||
	    symlink("..", "www/dir/up") || symlink("..", "www/above") ||
	    symlink("loop", "www/loop") || symlink("/proc/self/root", "www/magic") ||
	    mkfifo("www/pipe", 0644) || make_socket("www/socket") ||
	    write_file("www/closed", "closed") || chmod("www/closed", 0))
		return -1;
	root.fd = document_open_root("www");
	return root.fd < 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	fd_close(&root.fd);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return chdir("/") || system(command);
}

static int open_path(const char *path, struct http_entity *e)
{
	struct document_path p;

	assert_int_equal(decode(&p, path), 0);
	return document_open(&root, &p, e);
}

static void expect_file(const char *path, const char *text)
{
	struct http_entity e = { 0 };
	int fd = open_path(path, &e);
	char got[16];
	ssize_t n;

	if (fd < 0)
		fail_msg("'%s' gives %d", path, fd);
	n = read(fd, got, sizeof(got));
	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, n);
	assert_int_equal(e.size, n);
	assert_int_equal(e.etag[0], '"');
	assert_string_equal(e.type, "application/octet-stream"); /* there is no table */
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

static void expect_status(const char *path, int status)
{
	struct http_entity e;
	int got = open_path(path, &e);

	if (got != -status)
		fail_msg("'%s' gives %d, not %d", path, got, -status);
}

static void opens(void **state)
{
	(void)state;
	expect_file("/", "root");
	expect_file("/index.html", "root");
	expect_file("/dir/", "index");
	expect_file("/dir/a%20b.txt", "text");
	expect_file("/in", "index");		   /* a link that stays beneath the root */
	expect_file("/dir/up/index.html", "root"); /* up, but not out */
}

static void finds_nothing(void **state)
{
	(void)state;
	expect_status("/no", 404);
	expect_status("/dir/no", 404);
	expect_status("/index.html/", 404);
	expect_status("/index.html/no", 404);
	expect_status("/bare/", 404);
	expect_status("/loop", 404);
	expect_status("/dir", 301);
	expect_status("/dir/up", 301);
}

static void stays_beneath_the_root(void **state)
{
	(void)state;
	expect_status("/out", 404);
	expect_status("/absolute", 404);
	expect_status("/above/secret", 404);
	expect_status("/above/www/index.html", 404);
	expect_status("/magic/etc/passwd", 404);
}

/* None of them is waited for. */
static void serves_regular_files_only(void **state)
{
	(void)state;
	expect_status("/pipe", 404);
	expect_status("/socket", 404);
}

static void lacks_rights(void **state)
{
	(void)state;
	if (!geteuid()) {
		assert_int_equal(seteuid(65534), 0);
		expect_status("/closed", 403);
		assert_int_equal(seteuid(0), 0);
	} else {
		expect_status("/closed", 403);
	}
}

static void changes_the_etag(void **state)
{
	struct http_entity before, after;
	int fd;

	(void)state;
	assert_int_equal(write_file("www/changing", "1"), 0);
	fd = open_path("/changing", &before);
	close(fd);
	assert_int_equal(write_file("www/changing.new", "2"), 0);
	assert_int_equal(rename("www/changing.new", "www/changing"), 0);
	fd = open_path("/changing", &after);
	close(fd);
	assert_string_not_equal(before.etag, after.etag);
}

static void needs_a_directory(void **state)
{
	(void)state;
	assert_int_equal(document_open_root("no"), -ENOENT);
	assert_int_equal(document_open_root("secret"), -ENOTDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes),
		cmocka_unit_test(refuses),
		cmocka_unit_test(refuses_the_endless),
		cmocka_unit_test(locates),
		cmocka_unit_test(opens),
		cmocka_unit_test(finds_nothing),
		cmocka_unit_test(stays_beneath_the_root),
		cmocka_unit_test(serves_regular_files_only),
		cmocka_unit_test(lacks_rights),
		cmocka_unit_test(changes_the_etag),
		cmocka_unit_test(needs_a_directory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
