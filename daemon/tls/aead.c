/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wolfCrypt, and nothing else of the tree includes it for records. Expanding an AES key costs a
 * few hundred nanoseconds and a schedule a kilobyte: too much for each idle connection, so each
 * thread keeps the schedules of the keys it used last.
 */
#include <wolfssl/options.h>

#include "tls/aead.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/kdf.h>

#include "base/util.h"

enum { CACHE_SLOTS = 16 };

struct slot {
	uint64_t id; /* of the keys; 0: empty */
	Aes aes;
};

static _Thread_local struct slot *cache;

static int cache_init(void)
{
	void *p = mmap(NULL, CACHE_SLOTS * sizeof(*cache), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	(void)mlock(p,
		    CACHE_SLOTS * sizeof(*cache)); /* as in keys.c: better unlocked than refused */
	(void)madvise(p, CACHE_SLOTS * sizeof(*cache), MADV_DONTDUMP);
	(void)madvise(p, CACHE_SLOTS * sizeof(*cache), MADV_WIPEONFORK);
	cache = p;
	return 0;
}

static struct slot *slot_of(uint64_t id)
{
	return &cache[id % CACHE_SLOTS];
}

static void slot_wipe(struct slot *s)
{
	if (s->id)
		wc_AesFree(&s->aes);
	explicit_bzero(s, sizeof(*s));
}

/* The expanded AES key, from the cache or made now; NULL with *err set. */
static Aes *schedule(const struct keys *k, int *err)
{
	struct slot *s;

	*err = cache ? 0 : cache_init();
	if (*err)
		return NULL;
	s = slot_of(k->id);
	if (s->id == k->id)
		return &s->aes;
	slot_wipe(s);
	if (wc_AesInit(&s->aes, NULL, INVALID_DEVID)) {
		*err = -EIO;
		return NULL;
	}
	s->id = k->id;
	*err = k->suite->aead == AEAD_CCM ? wc_AesCcmSetKey(&s->aes, k->key, k->suite->key_len) :
					    wc_AesGcmSetKey(&s->aes, k->key, k->suite->key_len);
	if (!*err)
		return &s->aes;
	slot_wipe(s);
	*err = -EIO;
	return NULL;
}

int aead_seal(const struct keys *k, const uint8_t nonce[static 12], const uint8_t *aad,
	      size_t aad_len, uint8_t *buf, size_t len)
{
	uint8_t *tag = buf + len;
	Aes *aes;
	int err;

	if (k->suite->aead == AEAD_CHACHA)
		return wc_ChaCha20Poly1305_Encrypt(k->key, nonce, aad, (word32)aad_len, buf,
						   (word32)len, buf, tag) ?
			       -EIO :
			       0;
	aes = schedule(k, &err);
	if (!aes)
		return err;
	err = k->suite->aead == AEAD_CCM ?
		      wc_AesCcmEncrypt(aes, buf, buf, (word32)len, nonce, 12, tag, AEAD_TAG_LEN,
				       aad, (word32)aad_len) :
		      wc_AesGcmEncrypt(aes, buf, buf, (word32)len, nonce, 12, tag, AEAD_TAG_LEN,
				       aad, (word32)aad_len);
	return err ? -EIO : 0;
}

int aead_open(const struct keys *k, const uint8_t nonce[static 12], const uint8_t *aad,
	      size_t aad_len, uint8_t *buf, size_t len)
{
	const uint8_t *tag = buf + len;
	Aes *aes;
	int err;

	if (k->suite->aead == AEAD_CHACHA)
		return wc_ChaCha20Poly1305_Decrypt(k->key, nonce, aad, (word32)aad_len, buf,
						   (word32)len, tag, buf) ?
			       -EBADMSG :
			       0;
	aes = schedule(k, &err);
	if (!aes)
		return err;
	err = k->suite->aead == AEAD_CCM ?
		      wc_AesCcmDecrypt(aes, buf, buf, (word32)len, nonce, 12, tag, AEAD_TAG_LEN,
				       aad, (word32)aad_len) :
		      wc_AesGcmDecrypt(aes, buf, buf, (word32)len, nonce, 12, tag, AEAD_TAG_LEN,
				       aad, (word32)aad_len);
	return err ? -EBADMSG : 0;
}

void aead_forget(const struct keys *k)
{
	if (k && cache && slot_of(k->id)->id == k->id)
		slot_wipe(slot_of(k->id));
}

void aead_thread_fini(void)
{
	if (!cache)
		return;
	for (int i = 0; i < CACHE_SLOTS; i++)
		slot_wipe(&cache[i]);
	munmap(cache, CACHE_SLOTS * sizeof(*cache));
	cache = NULL;
}

/* HKDF-Expand-Label(secret, label, "", len) of RFC 8446 7.1. */
static int expand_label(const struct keys *k, const uint8_t *secret, const char *label,
			uint8_t *out, size_t len)
{
	int hash = k->suite->hash_len == 48 ? WC_HASH_TYPE_SHA384 : WC_HASH_TYPE_SHA256;

	return wc_Tls13_HKDF_Expand_Label(out, (word32)len, secret, k->suite->hash_len,
					  (const byte *)"tls13 ", 6, (const byte *)label,
					  (word32)strlen(label), (const byte *)"", 0, hash) ?
		       -EIO :
		       0;
}

int aead_derive(struct keys *k)
{
	int err = expand_label(k, k->secret, "key", k->key, k->suite->key_len);

	return err ? err : expand_label(k, k->secret, "iv", k->iv, sizeof(k->iv));
}

int aead_derive_next(struct keys *k)
{
	struct keys *next = keys_new();
	int err;

	if (!next)
		return -ENOMEM;
	next->suite = k->suite;
	next->epoch = k->epoch + 1;
	err = expand_label(k, k->secret, "traffic upd", next->secret, k->suite->hash_len);
	if (!err)
		err = aead_derive(next);
	if (!err) {
		aead_forget(k);
		*k = *next;
	}
	keys_free(next);
	return err;
}

int aead_random(void *buf, size_t len)
{
	return getrandom(buf, len, 0) == (ssize_t)len ? 0 : -EIO;
}
