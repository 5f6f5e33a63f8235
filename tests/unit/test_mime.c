/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Media types: a table of our own, and the system's. */
#include "serve/mime.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/test_mime.XXXXXX";

static struct mime *load_text(const char *text)
{
	FILE *file = fopen(path, "we");
	struct mime *m;

	assert_non_null(file);
	assert_int_equal(fputs(text, file) >= 0, 1);
	fclose(file);
	m = mime_load(path);
	assert_non_null(m);
	return m;
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void finds_by_the_last_ending(void **state)
{
	struct mime *m = load_text("text/html\thtml htm\napplication/gzip gz\n"
				   "image/png png\r\ntext/x-c c h\n");

	(void)state;
	assert_string_equal(mime_find(m, "index.html"), "text/html");
	assert_string_equal(mime_find(m, "INDEX.HTM"), "text/html");
	assert_string_equal(mime_find(m, "a.tar.gz"), "application/gzip");
	assert_string_equal(mime_find(m, "a.png"), "image/png");
	assert_string_equal(mime_find(m, ".h"), "text/x-c");
	mime_unref(m);
}

static void knows_not_everything(void **state)
{
	struct mime *m = load_text("text/html html\n");

	(void)state;
	assert_string_equal(mime_find(m, "html"), MIME_UNKNOWN);
	assert_string_equal(mime_find(m, "a.htm"), MIME_UNKNOWN);
	assert_string_equal(mime_find(m, "a.htmlx"), MIME_UNKNOWN);
	assert_string_equal(mime_find(m, "a."), MIME_UNKNOWN);
	assert_string_equal(mime_find(m, ""), MIME_UNKNOWN);
	assert_string_equal(mime_find(m, "a.0123456789012345678901234567890123456789"),
			    MIME_UNKNOWN);
	assert_string_equal(mime_find(NULL, "a.html"), MIME_UNKNOWN);
	mime_unref(m);
}

/* What would forge a header line, or is none. */
static void passes_over_bad_lines(void **state)
{
	static char text[2048];
	struct mime *m;

	(void)state;
	memset(text, 'x', 600);
	strcpy(text + 600, "/y long\nno-slash a\ntext/<b> b\n/ c\ntext/ d\n# text/e e\n\n  \n"
			   "text/none\ntext/f F G # g is known, h is not: h\ntext/late f");
	m = load_text(text);
	assert_string_equal(mime_find(m, "x.long"), MIME_UNKNOWN);
	for (const char *c = "abcdeh"; *c; c++)
		assert_string_equal(mime_find(m, (char[]){ '.', *c, '\0' }), MIME_UNKNOWN);
	assert_string_equal(mime_find(m, "x.g"), "text/f");
	assert_string_equal(mime_find(m, "x.f"), "text/f"); /* the first one counts */
	mime_unref(m);
}

static void is_shared(void **state)
{
	struct mime *m = load_text("text/a a\n"), *again = mime_ref(m);

	(void)state;
	mime_unref(m);
	assert_string_equal(mime_find(again, "x.a"), "text/a");
	mime_unref(again);
	mime_unref(NULL);
	assert_null(mime_ref(NULL));
}

static void may_be_absent_or_empty(void **state)
{
	struct mime *m = load_text("");

	(void)state;
	assert_string_equal(mime_find(m, "a.html"), MIME_UNKNOWN);
	mime_unref(m);
	assert_null(mime_load("/nonexistent"));
	assert_int_equal(errno, ENOENT);
	assert_null(mime_load("/tmp"));
	assert_int_equal(errno, EISDIR);
}

static void takes_the_system_table(void **state)
{
	struct mime *m = mime_load(MIME_TABLE);

	(void)state;
	if (!m)
		skip(); /* package media-types is not installed */
	assert_string_equal(mime_find(m, "a.html"), "text/html");
	assert_string_equal(mime_find(m, "a.json"), "application/json");
	assert_string_equal(mime_find(m, "a.svg"), "image/svg+xml");
	mime_unref(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_by_the_last_ending),
		cmocka_unit_test(knows_not_everything),
		cmocka_unit_test(passes_over_bad_lines),
		cmocka_unit_test(is_shared),
		cmocka_unit_test(may_be_absent_or_empty),
		cmocka_unit_test(takes_the_system_table),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
