/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Session tickets: sealed, opened, bound to their site, refused when anything was changed. */
#include "tls/ticket.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct sealed {
	uint8_t name[TICKET_NAME_LEN], nonce[TICKET_NONCE_LEN], tag[16], text[200];
};

static const uint8_t plain[200] = "a session";

static struct sealed seal(struct ticket_keys *keys, uint64_t site)
{
	struct sealed s;

	memcpy(s.text, plain, sizeof(plain));
	assert_int_equal(ticket_seal(keys, site, s.name, s.nonce, s.tag, s.text, sizeof(s.text)),
			 0);
	assert_memory_not_equal(s.text, plain, sizeof(plain));
	return s;
}

static int reopen(struct ticket_keys *keys, uint64_t site, struct sealed s)
{
	int err = ticket_open(keys, site, s.name, s.nonce, s.tag, s.text, sizeof(s.text));

	if (!err)
		assert_memory_equal(s.text, plain, sizeof(plain));
	return err;
}

static void test_round_trip(void **state)
{
	struct ticket_keys *keys = ticket_keys_new();

	(void)state;
	assert_int_equal(reopen(keys, 7, seal(keys, 7)), 0);
	ticket_keys_free(keys);
}

static void test_another_site_is_refused(void **state)
{
	struct ticket_keys *keys = ticket_keys_new();

	(void)state;
	assert_int_equal(reopen(keys, 8, seal(keys, 7)), -EBADMSG);
	ticket_keys_free(keys);
}

static void test_other_keys_are_refused(void **state)
{
	struct ticket_keys *a = ticket_keys_new(), *b = ticket_keys_new();

	(void)state;
	assert_int_equal(reopen(b, 7, seal(a, 7)), -ENOKEY);
	ticket_keys_free(a);
	ticket_keys_free(b);
}

static void test_every_changed_byte_is_refused(void **state)
{
	struct ticket_keys *keys = ticket_keys_new();
	struct sealed good = seal(keys, 7);

	(void)state;
	for (size_t i = 0; i < sizeof(good); i++) {
		struct sealed bad = good;

		((uint8_t *)&bad)[i] ^= 1;
		assert_int_not_equal(reopen(keys, 7, bad), 0);
	}
	ticket_keys_free(keys);
}

static void test_too_long(void **state)
{
	static uint8_t huge[TICKET_MAX + 1];
	struct ticket_keys *keys = ticket_keys_new();
	struct sealed s;

	(void)state;
	assert_int_equal(ticket_seal(keys, 1, s.name, s.nonce, s.tag, huge, sizeof(huge)),
			 -EMSGSIZE);
	assert_int_equal(ticket_open(keys, 1, s.name, s.nonce, s.tag, huge, sizeof(huge)),
			 -EBADMSG);
	ticket_keys_free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_another_site_is_refused),
		cmocka_unit_test(test_other_keys_are_refused),
		cmocka_unit_test(test_every_changed_byte_is_refused),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
