/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker with real handshakes of an OpenSSL client, and a host that fails where no guest can be
 * made to: the reasons of the reviewed list (tests/lint/reasons.wrapped).
 */
#include "serve/worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/util.h"
#include "serve/limits.h"
#include "serve/listener.h"
#include "serve/relay.h"
#include "tls/handshake.h"
#include "tls/ktls.h"
#include "tls/probe.h"
#include "tls/wire.h"

/* What fails now. */
static atomic_bool fail_install, fail_nonce, fail_keys;

int __wrap_ktls_attach(int fd);
int __wrap_ktls_install(int fd, enum direction d, const struct keys *keys);
bool __real_wire_next_nonce(const struct wire *w, uint64_t seq, uint64_t *nonce);
bool __wrap_wire_next_nonce(const struct wire *w, uint64_t seq, uint64_t *nonce);
struct keys *__real_keys_new(void);
struct keys *__wrap_keys_new(void);

/* A kernel that takes the ULP; the socket stays plain TCP underneath. */
int __wrap_ktls_attach(int fd)
{
	(void)fd;
	return 0;
}

int __wrap_ktls_install(int fd, enum direction d, const struct keys *keys)
{
	(void)fd;
	(void)d;
	(void)keys;
	assert_true(fail_install);
	return -ENOMEM;
}

bool __wrap_wire_next_nonce(const struct wire *w, uint64_t seq, uint64_t *nonce)
{
	return !fail_nonce && __real_wire_next_nonce(w, seq, nonce);
}

struct keys *__wrap_keys_new(void)
{
	return fail_keys ? NULL : __real_keys_new();
}

static struct fixture {
	struct worker worker;
	struct limits limits;
	struct probe probe;
	struct listener *listener;
	struct sockaddr_in address;
	int backend;
} f;

/* PEM text of a throw-away key and a certificate that it signs. */
static char *pem_of(int (*write)(BIO *bio, void *what), void *what, size_t *len)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *copy;

	assert_int_equal(write(bio, what), 1);
	*len = (size_t)BIO_get_mem_data(bio, &data);
	copy = strndup(data, *len);
	BIO_free(bio);
	return copy;
}

static int write_key(BIO *bio, void *key)
{
	return PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
}

static int write_certificate(BIO *bio, void *x)
{
	return PEM_write_bio_X509(bio, x);
}

static X509 *sign_certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_set_version(x, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
				   (const unsigned char *)"unit.test", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static struct handshake_offer *make_offer(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = sign_certificate(key);
	struct handshake_certificate cert = { .name = "unit.test" };
	struct handshake_options o = { .certificates = &cert,
				       .n_certificates = 1,
				       .version_min = TLS12,
				       .version_max = TLS13 };
	struct handshake_offer *offer;
	char error[256] = "";

	cert.key = pem_of(write_key, key, &cert.key_len);
	cert.chain = pem_of(write_certificate, x, &cert.chain_len);
	offer = handshake_offer_new(&o, error, sizeof(error));
	assert_string_equal(error, "");
	free((char *)cert.key);
	free((char *)cert.chain);
	X509_free(x);
	EVP_PKEY_free(key);
	return offer;
}

static int bind_loopback(struct sockaddr_in *in)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*in);
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)in, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)in, &len), 0);
	return fd;
}

/* Bound twice: a socket that did not choose its port loses it when it stops listening. */
static int listen_loopback(struct sockaddr_in *in)
{
	int fd;

	*in = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	close(bind_loopback(in));
	fd = bind_loopback(in);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static void make_listener(void)
{
	struct sockaddr_in backend;

	f.listener = listener_new("unit", "127.0.0.1:0", "tcp:127.0.0.1:0", NULL);
	f.listener->offer = make_offer();
	f.backend = listen_loopback(&backend);
	memcpy(&f.listener->proxy.address, &backend, sizeof(backend));
	f.listener->proxy.address_len = sizeof(backend);
	f.listener->backend = &relay_backend;
	for (int d = 1; d < DEADLINE_N; d++)
		f.listener->timeout_ns[d] = 5000 * NS_PER_MS;
	/* clients wait for it: the backend never ends */
	f.listener->timeout_ns[DEADLINE_IDLE] = 200 * NS_PER_MS;
	f.listener->policy[TX] = f.listener->policy[RX] = POLICY_ON;
}

static int set_up(void **state)
{
	struct pipe_pool pipes;
	int fd;

	(void)state;
	memset(&f, 0, sizeof(f));
	fail_install = fail_nonce = fail_keys = false;
	for (unsigned i = 0; i < PROBE_N_VERSIONS * PROBE_N_CIPHERS * N_DIRECTIONS; i++)
		(&f.probe.cell[0][0][0])[i].data.verdict = PROBE_YES;
	assert_int_equal(limits_init(&f.limits), 0);
	f.limits.max_connections = f.limits.max_handshakes = 10;
	f.limits.probe = &f.probe;
	make_listener();
	assert_int_equal(pipe_pool_init(&pipes, 2), 0);
	assert_int_equal(worker_start(&f.worker, 0, &f.limits, pipes), 0);
	fd = listen_loopback(&f.address);
	worker_set_ports(&f.worker, &f.listener, &fd, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	worker_stop(&f.worker);
	limits_fini(&f.limits);
	listener_unref(f.listener);
	close(f.backend);
	return 0;
}

/* A handshake of that version; true if it succeeded for the client. Who is refused may be reset
 * before connect() returns. */
static bool connect_client(int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct timeval patience = { .tv_sec = 5 };
	char byte;
	bool ok;
	SSL *ssl;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	ok = !connect(fd, (struct sockaddr *)&f.address, sizeof(f.address)) &&
	     SSL_connect(ssl) == 1;
	if (ok && SSL_shutdown(ssl) == 0)
		(void)SSL_read(ssl, &byte, 1);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return ok;
}

/* Waits until the worker has counted it. */
static void expect_count(const atomic_uint_least64_t *count, uint64_t expected)
{
	for (int i = 0; i < 500 && count_get(count) != expected; i++)
		usleep(10000);
	assert_int_equal(count_get(count), expected);
}

static void test_install_refused(void **state)
{
	(void)state;
	fail_install = true;
	assert_true(connect_client(TLS1_3_VERSION));
	expect_count(&f.worker.counters.fallback[TX][REASON_KTLS_INSTALL], 1);
	expect_count(&f.worker.counters.fallback[RX][REASON_KTLS_INSTALL], 1);
}

static void test_install_refused_but_required(void **state)
{
	(void)state;
	fail_install = true;
	f.listener->policy[RX] = POLICY_REQUIRE;
	connect_client(TLS1_2_VERSION);
	expect_count(&f.worker.counters.end[REASON_KTLS_REQUIRED], 1);
}

static void test_cipher_not_in_kernel(void **state)
{
	(void)state;
	for (unsigned c = 0; c < PROBE_N_CIPHERS; c++)
		f.probe.cell[1][c][TX].data = f.probe.cell[1][c][RX].data =
			(struct probe_feature){ PROBE_NO, ENOENT };
	assert_true(connect_client(TLS1_3_VERSION));
	expect_count(&f.worker.counters.fallback[TX][REASON_KTLS_CIPHER], 1);
	expect_count(&f.worker.counters.fallback[RX][REASON_KTLS_CIPHER], 1);
}

static void test_nonce_untracked(void **state)
{
	(void)state;
	fail_nonce = true;
	connect_client(TLS1_2_VERSION);
	expect_count(&f.worker.counters.end[REASON_NONCE_UNTRACKED], 1);
}

/* The connection is refused, and the next one is served. */
static void test_no_memory(void **state)
{
	(void)state;
	f.listener->policy[TX] = f.listener->policy[RX] = POLICY_OFF;
	fail_keys = true;
	assert_false(connect_client(TLS1_3_VERSION));
	expect_count(&f.worker.counters.end[REASON_NO_MEMORY], 1);
	fail_keys = false;
	assert_true(connect_client(TLS1_3_VERSION));
	expect_count(&f.worker.counters.value[COUNTER_HANDSHAKES_TLS13], 1);
}

static void test_limits(void **state)
{
	(void)state;
	f.limits.max_connections = 0;
	assert_false(connect_client(TLS1_3_VERSION));
	expect_count(&f.worker.counters.end[REASON_LIMIT_CONNECTIONS], 1);
	f.limits.max_connections = 10;
	f.limits.max_handshakes = 0;
	assert_false(connect_client(TLS1_3_VERSION));
	expect_count(&f.worker.counters.end[REASON_LIMIT_HANDSHAKES], 1);
}

/* A TCP connection without a handshake, or the errno, negative. */
static int dial(void)
{
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_STREAM, 0), err;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&f.address, sizeof(f.address)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* How the worker ends it: 0 for FIN, or an errno; it may have, before dial() was done. */
static int wait_for_end(int fd)
{
	char byte;
	ssize_t n;

	if (fd < 0)
		return -fd;
	n = recv(fd, &byte, 1, 0);
	assert_true(n <= 0);
	return n ? errno : 0;
}

static void test_limit_per_address(void **state)
{
	int first = dial(), second;

	(void)state;
	expect_count(&f.worker.counters.value[COUNTER_ACCEPTED], 1);
	close(first);
	expect_count(&f.worker.counters.value[COUNTER_OPEN], 0);
	f.listener->policy[TX] = f.listener->policy[RX] = POLICY_OFF;
	f.limits.max_per_address = 1;
	first = dial();
	expect_count(&f.worker.counters.value[COUNTER_ACCEPTED], 2);
	second = dial();
	assert_int_equal(wait_for_end(second), ECONNRESET);
	expect_count(&f.worker.counters.end[REASON_LIMIT_PER_ADDRESS], 1);
	close(second);
	close(first);
	expect_count(&f.worker.counters.value[COUNTER_OPEN], 0);
	assert_true(connect_client(TLS1_3_VERSION));
}

static void test_limit_handshake_rate(void **state)
{
	(void)state;
	f.listener->policy[TX] = f.listener->policy[RX] = POLICY_OFF;
	f.limits.max_handshake_rate = 1000;
	f.limits.rate_ns = now_ns() + UINT64_C(3600) * MS_PER_S * NS_PER_MS; /* all are spent */
	assert_false(connect_client(TLS1_3_VERSION));
	expect_count(&f.worker.counters.end[REASON_LIMIT_HANDSHAKE_RATE], 1);
	assert_int_equal(f.limits.handshakes, 0);
	f.limits.rate_ns = 0;
	assert_true(connect_client(TLS1_3_VERSION));
}

/* The list by age loses one in its middle. */
static void test_total(void **state)
{
	int fds[3];

	(void)state;
	f.listener->total_ns = 300 * NS_PER_MS;
	for (int i = 0; i < 3; i++)
		fds[i] = dial();
	expect_count(&f.worker.counters.value[COUNTER_ACCEPTED], 3);
	close(fds[1]);
	assert_int_equal(wait_for_end(fds[0]), 0);
	assert_int_equal(wait_for_end(fds[2]), 0);
	expect_count(&f.worker.counters.end[REASON_HANDSHAKE_CLOSED], 1);
	expect_count(&f.worker.counters.end[REASON_TOTAL_TIMEOUT], 2);
	expect_count(&f.worker.counters.value[COUNTER_OPEN], 0);
	close(fds[0]);
	close(fds[2]);
}

static void test_drain(void **state)
{
	int fd = dial();

	(void)state;
	f.listener->policy[TX] = f.listener->policy[RX] = POLICY_OFF;
	expect_count(&f.worker.counters.value[COUNTER_ACCEPTED], 1);
	worker_drain(&f.worker, "another", now_ns());
	close(fd);
	fd = dial();
	assert_true(fd >= 0);
	/* not in the worker's hands yet, and still served until the time is over */
	worker_drain(&f.worker, "unit", now_ns() + 200 * NS_PER_MS);
	assert_int_equal(dial(), -ECONNREFUSED);
	assert_int_equal(wait_for_end(fd), 0);
	expect_count(&f.worker.counters.end[REASON_DRAINED], 1);
	expect_count(&f.listener->totals->cut, 1);
	expect_count(&f.worker.counters.value[COUNTER_OPEN], 0);
	close(fd);
	worker_drain(&f.worker, NULL, now_ns()); /* once more does no harm */
	assert_int_equal(worker_resume(&f.worker, NULL), 0);
	assert_true(connect_client(TLS1_3_VERSION));
	assert_int_equal(worker_resume(&f.worker, "unit"), 0);
	assert_true(connect_client(TLS1_3_VERSION));
}

static uint64_t sum_of(const void *counters, size_t len)
{
	const atomic_uint_least64_t *c = counters;
	uint64_t sum = 0;

	for (size_t i = 0; i < len / sizeof(*c); i++)
		sum += count_get(&c[i]);
	return sum;
}

/* Where a connection is and was: gauges come back to nothing, counts are of what happened. */
static void test_tally(void **state)
{
	const struct counters *n = &f.worker.counters;
	const struct handshake_counters *full = &n->handshakes[1][0];
	int fd;

	(void)state;
	f.listener->policy[TX] = f.listener->policy[RX] = POLICY_OFF;
	assert_true(connect_client(TLS1_3_VERSION));
	fd = dial();
	expect_count(&n->early[CONN_ACCEPTED], 1);
	close(fd);
	expect_count(&n->value[COUNTER_OPEN], 0);
	assert_int_equal(count_get(&n->lost[HANDSHAKE_LOST_CLOSED]), 1);
	assert_int_equal(sum_of(n->lost, sizeof(n->lost)), 1);
	assert_int_equal(sum_of(n->handshakes, sizeof(n->handshakes)),
			 2 + count_get(&full->duration_ns));
	assert_int_equal(count_get(&full->by_group[GROUP_X25519]), 1);
	assert_int_equal(sum_of(full->duration, sizeof(full->duration)), 1);
	assert_int_equal(count_get(&n->fallback[TX][REASON_POLICY_OFF]), 1);
	assert_int_equal(count_get(&n->records[RX]), 1); /* close_notify */
	assert_true(count_get(&n->records[TX]) >= 1);
	assert_int_equal(sum_of(n->early, sizeof(n->early)), 0);
	assert_int_equal(sum_of(n->open, sizeof(n->open)), 0);
	assert_int_equal(sum_of(n->fallen, sizeof(n->fallen)), 0);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_install_refused),
		TEST(test_install_refused_but_required),
		TEST(test_cipher_not_in_kernel),
		TEST(test_nonce_untracked),
		TEST(test_no_memory),
		TEST(test_limits),
		TEST(test_limit_per_address),
		TEST(test_limit_handshake_rate),
		TEST(test_total),
		TEST(test_drain),
		TEST(test_tally),
	};

	signal(SIGPIPE, SIG_IGN); /* the client writes to a worker that refuses it */
	if (handshake_global_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
