/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys: their life, the memory they live in, and deriving them (RFC 8446 7.2 and 7.3). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/keys.h"
#include "base/util.h"
#include "tls/aead.h"
#include "vectors/rfc8448.h"
#include "vectors/vectors.h"

static bool fail_mmap;

void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	return fail_mmap ? MAP_FAILED : __real_mmap(at, len, prot, flags, fd, offset);
}

/* First of all tests: no page has been mapped yet. */
static void without_memory(void **state)
{
	(void)state;
	fail_mmap = true;
	assert_null(keys_new());
	fail_mmap = false;
	keys_free(NULL);
}

static void new_keys_are_blank(void **state)
{
	static const struct keys blank;
	struct keys *a = keys_new(), *b = keys_new();

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_int_not_equal(a->id, b->id);
	assert_false(keys_has_key(a));
	b->id = 0;
	assert_memory_equal(b, &blank, sizeof(blank));
	keys_free(a);
	keys_free(b);
}

static void freed_keys_are_wiped(void **state)
{
	static const uint8_t zero[sizeof(struct keys)];
	struct keys *k = keys_new();
	const uint8_t *bytes = (const uint8_t *)k;
	uint64_t id = k->id;

	(void)state;
	memset(k->secret, 's', sizeof(k->secret));
	memset(k->key, 'k', sizeof(k->key));
	memset(k->iv, 'i', sizeof(k->iv));
	keys_free(k);
	/* The memory stays mapped; the link of the free list is all that is left in it. */
	assert_memory_equal(bytes + sizeof(void *), zero, sizeof(*k) - sizeof(void *));
	k = keys_new();
	assert_ptr_equal(k, bytes);
	assert_int_not_equal(k->id, id);
	keys_free(k);
}

static void forgetting_the_key(void **state)
{
	static const uint8_t zero[KEYS_KEY_MAX];
	struct keys *k = vector_keys(0x1302);
	uint8_t secret[KEYS_SECRET_MAX];

	(void)state;
	memcpy(secret, k->secret, sizeof(secret));
	assert_true(keys_has_key(k));
	keys_forget_key(k);
	assert_false(keys_has_key(k));
	assert_memory_equal(k->key, zero, sizeof(k->key));
	assert_memory_equal(k->iv, zero, sizeof(k->iv));
	assert_memory_equal(k->secret, secret, sizeof(secret));
	keys_free(k);
}

/* VmFlags of the mapping that holds p (proc(5), smaps). */
static void read_flags(const void *p, char *flags, size_t cap)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long from, to;
	bool inside = false;
	char line[512];

	assert_non_null(f);
	flags[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from <= (unsigned long)p && (unsigned long)p < to;
		else if (inside && !strncmp(line, "VmFlags:", 8))
			snprintf(flags, cap, "%s", line + 8);
	}
	fclose(f);
}

/* Locked, in no core dump, wiped in a child. */
static void memory_is_guarded(void **state)
{
	struct keys *k = vector_keys(0x1301);
	char flags[512], ours_flags[512];
	void *ours =
		mmap(NULL, 64 * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	read_flags(k, flags, sizeof(flags));
	assert_non_null(strstr(flags, " dd"));
	assert_non_null(strstr(flags, " wf"));
	/* Locked if anything here can be: RLIMIT_MEMLOCK may forbid it, sanitizers skip mlock(). */
	(void)mlock(ours, 64 * 1024);
	read_flags(ours, ours_flags, sizeof(ours_flags));
	assert_int_equal(!strstr(flags, " lo"), !strstr(ours_flags, " lo"));
	munmap(ours, 64 * 1024);
	keys_free(k);
}

static void child_sees_nothing(void **state)
{
	struct keys *k = vector_keys(0x1301);
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (!child)
		_exit(keys_has_key(k) || k->secret[0] || k->suite);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(keys_has_key(k));
	keys_free(k);
}

enum { N_THREADS = 4, KEYS_PER_THREAD = 2000 };

static void *make_keys(void *arg)
{
	uint64_t *ids = arg;

	for (int i = 0; i < KEYS_PER_THREAD; i++) {
		struct keys *k = keys_new();

		ids[i] = k ? k->id : 0;
		keys_free(k);
	}
	return NULL;
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void ids_are_unique(void **state)
{
	static uint64_t ids[N_THREADS * KEYS_PER_THREAD];
	pthread_t threads[N_THREADS];

	(void)state;
	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, make_keys, ids + i * KEYS_PER_THREAD), 0);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	qsort(ids, ARRAY_SIZE(ids), sizeof(*ids), compare_ids);
	assert_int_not_equal(ids[0], 0);
	for (size_t i = 1; i < ARRAY_SIZE(ids); i++)
		assert_int_not_equal(ids[i - 1], ids[i]);
}

static void derive(const char *secret, const char *key, const char *iv)
{
	struct keys *k = keys_new();

	k->suite = suite_find(0x1301);
	hex_decode(secret, k->secret, sizeof(k->secret));
	assert_int_equal(aead_derive(k), 0);
	assert_hex(k->key, k->suite->key_len, key);
	assert_hex(k->iv, sizeof(k->iv), iv);
	keys_free(k);
}

static void derive_rfc8448(void **state)
{
	(void)state;
	derive(RFC8448_CLIENT_SECRET, RFC8448_CLIENT_KEY, RFC8448_CLIENT_IV);
	derive(RFC8448_SERVER_SECRET, RFC8448_SERVER_KEY, RFC8448_SERVER_IV);
}

static void derive_openssl(void **state)
{
	int n_derived = 0;

	(void)state;
	for (size_t i = 0; i < n_suite_vectors; i++) {
		const struct suite_vector *v = &suite_vectors[i];
		struct keys *k = vector_keys(v->suite);
		uint64_t id = k->id;

		if (k->suite->version == TLS13) {
			memset(k->key, 0, sizeof(k->key));
			assert_int_equal(aead_derive(k), 0);
			assert_hex(k->key, k->suite->key_len, v->key);
			assert_hex(k->iv, sizeof(k->iv), v->iv);
			k->seq = 7;
			assert_int_equal(aead_derive_next(k), 0);
			assert_hex(k->secret, k->suite->hash_len, v->next_secret);
			assert_hex(k->key, k->suite->key_len, v->next_key);
			assert_hex(k->iv, sizeof(k->iv), v->next_iv);
			assert_int_equal(k->seq, 0);
			assert_int_equal(k->epoch, 1);
			assert_int_not_equal(k->id, id);
			n_derived++;
		}
		keys_free(k);
	}
	assert_int_equal(n_derived, 4);
}

/* Every row of the suite table has its vectors. */
static void table_is_covered(void **state)
{
	size_t i = 0;

	(void)state;
	for (const struct suite *s; (s = suite_at(i)); i++)
		assert_int_equal(vector_of_suite(s->id)->suite, s->id);
	assert_int_equal(i, n_suite_vectors);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_memory),	cmocka_unit_test(new_keys_are_blank),
		cmocka_unit_test(freed_keys_are_wiped), cmocka_unit_test(forgetting_the_key),
		cmocka_unit_test(memory_is_guarded),	cmocka_unit_test(child_sees_nothing),
		cmocka_unit_test(ids_are_unique),	cmocka_unit_test(derive_rfc8448),
		cmocka_unit_test(derive_openssl),	cmocka_unit_test(table_is_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
