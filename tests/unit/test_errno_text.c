/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of errnos: found by place, unique, and in sentences. */
#include "bpf/errno_text.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"

enum { N_ERRNOS = 200 };

static void assert_sentences(const char *text)
{
	assert_true(isupper((unsigned char)text[0]) || !strncmp(text, "splice()", 8));
	assert_int_equal(text[strlen(text) - 1], '.');
	assert_null(strstr(text, "  "));
}

static void speaks_in_sentences(void **state)
{
	(void)state;
	for (int place = 0; place < ERRNO_N_PLACES; place++) {
		int n = 0;

		for (int error = 0; error < N_ERRNOS; error++) {
			const struct errno_text *text = errno_text((enum errno_place)place, error);

			if (!text)
				continue;
			n++;
			assert_sentences(text->what);
			assert_sentences(text->remedy);
		}
		assert_true(n >= 4);
	}
}

static void has_each_errno_of_a_place_once(void **state)
{
	static const struct {
		enum errno_place place;
		int error;
	} rows[] = {
#define ERRNO(place, error, what, remedy) { ERRNO_##place, error },
#include "bpf/errno.def"
#undef ERRNO
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t j = 0; j < i; j++)
			assert_false(rows[i].place == rows[j].place &&
				     rows[i].error == rows[j].error);
}

static void tells_places_apart(void **state)
{
	(void)state;
	assert_non_null(strstr(errno_text(ERRNO_ULP, ENOENT)->remedy, "modprobe tls"));
	assert_non_null(strstr(errno_text(ERRNO_KEYS, ENOENT)->remedy, "modprobe gcm"));
	assert_non_null(strstr(errno_text(ERRNO_RECEIVE, EIO)->what, "control buffer"));
	assert_null(errno_text(ERRNO_ULP, EIO));
	assert_null(errno_text(ERRNO_SEND, 0));
	assert_null(errno_text(ERRNO_N_PLACES, EINVAL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speaks_in_sentences),
		cmocka_unit_test(has_each_errno_of_a_place_once),
		cmocka_unit_test(tells_places_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
