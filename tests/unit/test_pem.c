/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PEM files: what is plausible, and what the rest is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "host/pem.h"
#include "host/secret.h"

#define PEM(label) "-----BEGIN " label "-----\nAAAA\n-----END " label "-----\n"

static void test_check(void **state)
{
	static const struct {
		const char *text;
		enum pem_kind kind;
		const char *expected; /* start of the phrase, NULL: plausible */
	} rows[] = {
		{ PEM("CERTIFICATE"), PEM_CERTIFICATES, NULL },
		{ "Subject: me\n" PEM("CERTIFICATE") "\n" PEM("CERTIFICATE"), PEM_CERTIFICATES,
		  NULL },
		{ PEM("TRUSTED CERTIFICATE"), PEM_CERTIFICATES, NULL },
		{ PEM("PRIVATE KEY"), PEM_KEY, NULL },
		{ PEM("RSA PRIVATE KEY"), PEM_KEY, NULL },
		{ PEM("EC PARAMETERS") PEM("EC PRIVATE KEY"), PEM_KEY, NULL },
		{ "", PEM_CERTIFICATES, "holds no PEM certificate" },
		{ "", PEM_KEY, "holds no PEM private key" },
		{ "-----BEGIN ", PEM_KEY, "holds no PEM private key" },
		{ PEM("CERTIFICATE REQUEST"), PEM_CERTIFICATES, "holds no PEM certificate" },
		{ PEM("PUBLIC KEY"), PEM_KEY, "holds no PEM private key" },
		{ PEM("CERTIFICATE"), PEM_KEY, "holds a certificate" },
		{ PEM("PRIVATE KEY"), PEM_CERTIFICATES, "holds a private key" },
		{ PEM("CERTIFICATE") PEM("PRIVATE KEY"), PEM_CERTIFICATES, "holds a private key" },
		{ PEM("PRIVATE KEY") PEM("EC PRIVATE KEY"), PEM_KEY, "holds more than one" },
		{ PEM("ENCRYPTED PRIVATE KEY"), PEM_KEY, "is encrypted" },
		{ "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nAA\n"
		  "-----END RSA PRIVATE KEY-----\n",
		  PEM_KEY, "is encrypted" },
		{ "-----BEGIN PRIVATE KEY-----\nAAAA\n", PEM_KEY, "is cut off" },
		{ "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE", PEM_KEY, "is cut off" },
		{ "-----BEGIN PRIVATE KEY-----\nAA\n-----END CERTIFICATE-----\n", PEM_KEY,
		  "is cut off" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *found = pem_check(rows[i].text, rows[i].kind);

		if (!rows[i].expected)
			assert_null(found);
		else if (!found || strncmp(found, rows[i].expected, strlen(rows[i].expected)))
			fail_msg("row %zu: %s, not %s", i, found ? found : "plausible",
				 rows[i].expected);
	}
}

static void write_bytes(const char *path, const char *bytes, size_t len)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void test_read(void **state)
{
	static const char key[] = PEM("PRIVATE KEY");
	static const char nul[] = PEM("PRIVATE KEY") "\0" PEM("ENCRYPTED PRIVATE KEY");
	char path[] = "/tmp/test_pem.XXXXXX";
	_cleanup_fd_ int fd = mkstemp(path);
	char why[128];
	struct pem pem;

	(void)state;
	assert_true(fd >= 0);
	write_bytes(path, key, strlen(key));
	assert_int_equal(pem_read(path, PEM_KEY, &pem, why, sizeof(why)), 0);
	assert_string_equal(pem.text, key);
	assert_int_equal(pem.len, strlen(key));
	assert_int_equal(pem.mode & 07777, 0600);
	secret_free(pem.text, pem.len);
	write_bytes(path, nul, sizeof(nul));
	assert_int_equal(pem_read(path, PEM_KEY, &pem, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "is no text file; PEM is needed");
	assert_int_equal(ftruncate(fd, PEM_LEN_MAX + 1), 0);
	assert_int_equal(pem_read(path, PEM_KEY, &pem, why, sizeof(why)), -EFBIG);
	assert_string_equal(why, "is larger than 1 MiB");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0); /* whose writer never comes */
	assert_int_equal(pem_read(path, PEM_KEY, &pem, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "is no regular file");
	unlink(path);
	assert_int_equal(pem_read(path, PEM_KEY, &pem, why, sizeof(why)), -ENOENT);
	assert_string_equal(why, "cannot be opened: No such file or directory");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
