/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TLS client that tells its secrets.
 *
 *	confide [-r] ADDRESS PORT NAME 1.2|1.3 CIPHER [SESSION]
 *
 * Does the handshake for the server of that NAME, sends a request, reads the answer and prints
 * "LABEL HEX" for every secret that it shares with the server, as memsearch takes them: traffic and
 * master secrets, the keys and IVs derived from them (RFC 8446 7.3, RFC 5246 6.3), what AES-GCM
 * hashes with, and the secret of a ticket. An AES key is also told with the bytes of each word in
 * the other order, as implementations in C hold it. Then it prints READY, and ends the connection
 * at SIGTERM.
 *
 * With SESSION, the name of a file, it resumes the session in it if there is one; else it puts
 * its own there. With -r it refuses the server's certificate, tells what it knows by then, and
 * prints REFUSED instead.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SECRET_MAX = 64, KEY_MAX = 32, IV_LEN = 12, BODY = 40000 };

struct secret {
	uint8_t bytes[SECRET_MAX];
	size_t len;
};

static struct secret client_traffic, server_traffic;
static const char *session_path;

static void tell(const char *name, const uint8_t *p, size_t len)
{
	printf("%s ", name);
	for (size_t i = 0; i < len; i++)
		printf("%02x", p[i]);
	putchar('\n');
}

/* ---- keys ---- */

static void tell_aes(const char *side, const uint8_t *key, size_t len)
{
	const EVP_CIPHER *ecb = len == 16 ? EVP_aes_128_ecb() : EVP_aes_256_ecb();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	static const uint8_t zero[16];
	uint8_t swapped[KEY_MAX], hash[32];
	char name[64];
	int n = 0;

	for (size_t i = 0; i < len; i++)
		swapped[i] = key[i ^ 3];
	snprintf(name, sizeof(name), "%s-key-by-words", side);
	tell(name, swapped, len);
	if (!EVP_EncryptInit_ex(ctx, ecb, NULL, key, NULL) ||
	    !EVP_EncryptUpdate(ctx, hash, &n, zero, sizeof(zero)) || n != sizeof(zero))
		errx(1, "AES");
	snprintf(name, sizeof(name), "%s-hash-key", side);
	tell(name, hash, sizeof(zero));
	EVP_CIPHER_CTX_free(ctx);
}

/* A salt of 4 bytes is found by chance: only whole IVs are told. */
static void tell_key(const char *side, const SSL_CIPHER *cipher, const uint8_t *key, size_t len,
		     const uint8_t *iv, size_t iv_len)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-key", side);
	tell(name, key, len);
	snprintf(name, sizeof(name), "%s-iv", side);
	if (iv_len == IV_LEN)
		tell(name, iv, iv_len);
	if (SSL_CIPHER_get_cipher_nid(cipher) != NID_chacha20_poly1305)
		tell_aes(side, key, len);
}

static void derive(const char *kdf_name, OSSL_PARAM *params, uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, kdf_name, NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

	if (EVP_KDF_derive(ctx, out, len, params) <= 0)
		errx(1, "%s: %s", kdf_name, ERR_error_string(ERR_get_error(), NULL));
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static void expand_label(const EVP_MD *md, const struct secret *s, const char *label, uint8_t *out,
			 size_t len)
{
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
						 (char *)EVP_MD_get0_name(md), 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)s->bytes, s->len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, (void *)"tls13 ", 6),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (void *)label,
						  strlen(label)),
		OSSL_PARAM_construct_end(),
	};

	derive("TLS13-KDF", params, out, len);
}

static size_t key_len(const SSL_CIPHER *cipher)
{
	return (size_t)EVP_CIPHER_get_key_length(
		EVP_get_cipherbynid(SSL_CIPHER_get_cipher_nid(cipher)));
}

static void tell_keys13(const SSL_CIPHER *cipher, const char *side, const struct secret *s)
{
	const EVP_MD *md = SSL_CIPHER_get_handshake_digest(cipher);
	uint8_t key[KEY_MAX], iv[IV_LEN];

	expand_label(md, s, "key", key, key_len(cipher));
	expand_label(md, s, "iv", iv, sizeof(iv));
	tell_key(side, cipher, key, key_len(cipher), iv, sizeof(iv));
}

/* master secret -> key_block: client key, server key, client IV, server IV */
static void tell_keys12(SSL *ssl)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	size_t len = key_len(cipher);
	size_t iv_len = SSL_CIPHER_get_cipher_nid(cipher) == NID_chacha20_poly1305 ? IV_LEN : 4;
	uint8_t master[48], seed[13 + 32 + 32] = "key expansion", block[2 * (KEY_MAX + IV_LEN)];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
			OSSL_KDF_PARAM_DIGEST,
			(char *)EVP_MD_get0_name(SSL_CIPHER_get_handshake_digest(cipher)), 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, sizeof(master)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
		OSSL_PARAM_construct_end(),
	};

	SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof(master));
	SSL_get_server_random(ssl, seed + 13, 32);
	SSL_get_client_random(ssl, seed + 45, 32);
	derive("TLS1-PRF", params, block, 2 * (len + iv_len));
	tell("master-secret", master, sizeof(master));
	tell_key("client", cipher, block, len, block + 2 * len, iv_len);
	tell_key("server", cipher, block + len, len, block + 2 * len + iv_len, iv_len);
}

/* ---- what OpenSSL tells ---- */

static struct secret parse_hex(const char *hex)
{
	struct secret s = { .len = 0 };

	while (s.len < SECRET_MAX && sscanf(hex + 2 * s.len, "%2hhx", &s.bytes[s.len]) == 1)
		s.len++;
	return s;
}

/* "LABEL CLIENT_RANDOM SECRET" */
static void on_keylog(const SSL *ssl, const char *line)
{
	const char *hex = strrchr(line, ' ') + 1;
	struct secret s = parse_hex(hex);
	char label[64];

	(void)ssl;
	sscanf(line, "%63s", label);
	if (!strcmp(label, "CLIENT_RANDOM"))
		return; /* TLS 1.2: told with its keys */
	tell(label, s.bytes, s.len);
	if (!strcmp(label, "CLIENT_TRAFFIC_SECRET_0"))
		client_traffic = s;
	else if (!strcmp(label, "SERVER_TRAFFIC_SECRET_0"))
		server_traffic = s;
}

/* With TLS 1.3 the ticket's secret is another one than the connection's (RFC 8446 4.6.1). */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
	uint8_t secret[SECRET_MAX];
	size_t len = SSL_SESSION_get_master_key(session, secret, sizeof(secret));
	FILE *file = session_path ? fopen(session_path, "w") : NULL;

	if (SSL_version(ssl) == TLS1_3_VERSION)
		tell("ticket-secret", secret, len);
	if (file) {
		PEM_write_SSL_SESSION(file, session);
		fclose(file);
	}
	return 0;
}

/* ---- the connection ---- */

static SSL_CTX *context_new(const char *version, const char *ciphers)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int v = !strcmp(version, "1.3") ? TLS1_3_VERSION : TLS1_2_VERSION;

	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, v) ||
	    !SSL_CTX_set_max_proto_version(ctx, v))
		errx(1, "no TLS context");
	if (!(v == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(ctx, ciphers) :
				    SSL_CTX_set_cipher_list(ctx, ciphers)))
		errx(2, "%s: no such cipher", ciphers);
	SSL_CTX_set_keylog_callback(ctx, on_keylog);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	return ctx;
}

static int connect_to(const char *address, const char *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
		errx(2, "%s: no IPv4 address", address);
	if (fd < 0 || connect(fd, (struct sockaddr *)&in, sizeof(in)))
		err(1, "%s:%s", address, port);
	return fd;
}

static void resume(SSL *ssl)
{
	FILE *file = session_path ? fopen(session_path, "r") : NULL;
	SSL_SESSION *session = file ? PEM_read_SSL_SESSION(file, NULL, NULL, NULL) : NULL;

	if (file)
		fclose(file);
	if (session && !SSL_set_session(ssl, session))
		errx(1, "the session of %s cannot be used", session_path);
	SSL_SESSION_free(session);
}

/* Bytes go both ways, so that both keys are used. */
static void exchange(SSL *ssl)
{
	char request[64], answer[4096];
	int left = BODY, n;

	snprintf(request, sizeof(request), "GET /%d HTTP/1.1\r\n\r\n", BODY);
	if (SSL_write(ssl, request, (int)strlen(request)) <= 0)
		errx(1, "cannot send the request");
	while (left > 0) { /* the header makes it a little more */
		n = SSL_read(ssl, answer, sizeof(answer));
		if (n <= 0)
			errx(1, "the answer ends too early");
		left -= n;
	}
}

static void tell_keys(SSL *ssl)
{
	if (SSL_version(ssl) == TLS1_3_VERSION) {
		tell_keys13(SSL_get_current_cipher(ssl), "client", &client_traffic);
		tell_keys13(SSL_get_current_cipher(ssl), "server", &server_traffic);
	} else {
		tell_keys12(ssl);
	}
}

static void say(const char *text, SSL *ssl)
{
	printf("%s resumed=%d\n", text, SSL_session_reused(ssl));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	bool refuse = argc > 1 && !strcmp(argv[1], "-r");
	sigset_t term;
	SSL_CTX *ctx;
	SSL *ssl;
	int signal_number;

	argv += refuse;
	argc -= refuse;
	if (argc != 6 && argc != 7)
		errx(2, "usage: confide [-r] ADDRESS PORT NAME 1.2|1.3 CIPHER [SESSION]");
	session_path = argv[6];
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	ctx = context_new(argv[4], argv[5]);
	if (refuse) /* it trusts nobody */
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	ssl = SSL_new(ctx);
	if (!ssl || !SSL_set_fd(ssl, connect_to(argv[1], argv[2])) ||
	    !SSL_set_tlsext_host_name(ssl, argv[3]))
		errx(1, "SSL_new");
	resume(ssl);
	if ((SSL_connect(ssl) == 1) == refuse)
		errx(1, "handshake: %s", ERR_error_string(ERR_get_error(), NULL));
	if (refuse) {
		say("REFUSED", ssl);
	} else {
		exchange(ssl);
		tell_keys(ssl);
		say("READY", ssl);
		sigwait(&term, &signal_number);
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return 0;
}
