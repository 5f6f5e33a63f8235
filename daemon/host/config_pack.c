/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration as bytes in a sealed memfd: a header, then the fields of struct config in
 * order. The server process takes nothing in it on trust, and the fuzzer feeds it anything.
 */
#include "host/config_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/suite.h"
#include "base/util.h"
#include "host/config.h"
#include "host/config_codec.h"
#include "host/config_key.h"
#include "host/pem.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif

enum {
	PACK_VERSION = 3, /* counts changes of the format */
	TEXT_MAX = 4096,  /* longer than any text that config_parse() lets through */
	BACKEND_PREFIX_MAX = 8,
	SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
};

static const char magic[8] = "ktlsdcfg"; /* without its NUL */

static void code_header(struct codec *c)
{
	uint32_t version = PACK_VERSION;
	char found[sizeof(magic)];

	memcpy(found, magic, sizeof(magic));
	codec_bytes(c, found, sizeof(found));
	if (!c->error && memcmp(found, magic, sizeof(magic)))
		codec_fail(c, -EBADMSG);
	codec_u32(c, &version, PACK_VERSION, PACK_VERSION);
}

/* The bounds of a number or of a list's length are the table's. */
static void code_number(struct codec *c, enum config_type map, const char *name, uint32_t *value)
{
	const struct config_key *key = config_key_in(map, name);

	codec_u32(c, value, key->min, key->max);
}

static void *code_array(struct codec *c, enum config_type map, const char *name, void *array,
			unsigned *n, size_t element)
{
	const struct config_key *key = config_key_in(map, name);

	return codec_array(c, array, n, element, key->min, key->max);
}

static bool is_address(const struct config_address *a)
{
	sa_family_t family;

	memcpy(&family, a->bytes, sizeof(family));
	switch (family) {
	case AF_INET:
		return a->len == sizeof(struct sockaddr_in);
	case AF_INET6:
		return a->len == sizeof(struct sockaddr_in6);
	case AF_UNIX:
		return a->len > offsetof(struct sockaddr_un, sun_path) &&
		       a->len <= sizeof(struct sockaddr_un);
	default:
		return false;
	}
}

static void code_address(struct codec *c, struct config_address *address)
{
	codec_u32(c, &address->len, 0, sizeof(address->bytes));
	codec_bytes(c, address->bytes, sizeof(address->bytes));
	if (!c->error && !is_address(address))
		codec_fail(c, -EBADMSG);
}

static void code_backend(struct codec *c, struct config_backend *backend)
{
	uint32_t kind = (uint32_t)backend->kind;

	codec_u32(c, &kind, CONFIG_BACKEND_TCP, CONFIG_BACKEND_FILES);
	codec_text(c, &backend->text, TEXT_MAX + BACKEND_PREFIX_MAX, false);
	if (kind != CONFIG_BACKEND_FILES)
		code_address(c, &backend->address);
	if (!c->error)
		backend->kind = (enum config_backend_kind)kind;
}

static void code_files(struct codec *c, struct config_files *files)
{
	codec_text(c, &files->root, TEXT_MAX, false);
	codec_text(c, &files->index, TEXT_MAX, false);
	code_number(c, TYPE_FILES, "request-size", &files->request_max);
	codec_u32(c, &files->zerocopy, 0, 1);
}

static void code_policy(struct codec *c, struct policy *policy)
{
	for (int d = 0; d < N_DIRECTIONS; d++) {
		uint32_t value = (uint32_t)policy->dir[d];

		codec_u32(c, &value, 0, POLICY_N_VALUES - 1);
		if (!c->error)
			policy->dir[d] = (enum policy_value)value;
	}
}

static void code_certificate(struct codec *c, struct config_certificate *certificate)
{
	codec_text(c, &certificate->chain_path, TEXT_MAX, false);
	codec_text(c, &certificate->key_path, TEXT_MAX, false);
	codec_pem(c, &certificate->chain, &certificate->chain_len, PEM_LEN_MAX, false);
	codec_pem(c, &certificate->key, &certificate->key_len, PEM_LEN_MAX, true);
}

static void code_timeouts(struct codec *c, struct config_timeouts *timeouts)
{
	code_number(c, TYPE_TIMEOUTS, "handshake", &timeouts->handshake);
	code_number(c, TYPE_TIMEOUTS, "connect", &timeouts->connect);
	code_number(c, TYPE_TIMEOUTS, "idle", &timeouts->idle);
	code_number(c, TYPE_TIMEOUTS, "request", &timeouts->request);
	code_number(c, TYPE_TIMEOUTS, "stall", &timeouts->stall);
	code_number(c, TYPE_TIMEOUTS, "drain", &timeouts->drain);
	code_number(c, TYPE_TIMEOUTS, "total", &timeouts->total);
}

static void code_listener(struct codec *c, struct config_listener *l)
{
	codec_text(c, &l->name, TEXT_MAX, false);
	codec_text(c, &l->text, TEXT_MAX, false);
	code_address(c, &l->address);
	l->certificates = code_array(c, TYPE_LISTENER, "certificates", l->certificates,
				     &l->n_certificates, sizeof(*l->certificates));
	for (unsigned i = 0; !c->error && i < l->n_certificates; i++)
		code_certificate(c, &l->certificates[i]);
	l->alpn = code_array(c, TYPE_LISTENER, "alpn", l->alpn, &l->n_alpn, sizeof(*l->alpn));
	for (unsigned i = 0; !c->error && i < l->n_alpn; i++)
		codec_text(c, &l->alpn[i], TEXT_MAX, false);
	codec_text(c, &l->ciphers, TEXT_MAX, true);
	codec_u16(c, &l->version_max, TLS12, TLS13);
	codec_u16(c, &l->version_min, TLS12, l->version_max);
	code_backend(c, &l->backend);
	if (l->backend.kind == CONFIG_BACKEND_FILES)
		code_files(c, &l->files);
	code_timeouts(c, &l->timeouts);
	code_number(c, TYPE_KEEPALIVE, "idle", &l->keepalive.idle);
	code_number(c, TYPE_KEEPALIVE, "interval", &l->keepalive.interval);
	code_number(c, TYPE_KEEPALIVE, "count", &l->keepalive.count);
	code_number(c, TYPE_LISTENER, "user-timeout", &l->user_timeout_ms);
	code_policy(c, &l->policy);
}

static void code_endpoint(struct codec *c, struct config_endpoint *endpoint)
{
	uint32_t kind = (uint32_t)endpoint->kind;

	codec_u32(c, &kind, CONFIG_ENDPOINT_OFF, CONFIG_ENDPOINT_UNIX);
	codec_u32(c, &endpoint->is_default, 0, 1);
	codec_text(c, &endpoint->text, TEXT_MAX, false);
	if (kind != CONFIG_ENDPOINT_OFF)
		code_address(c, &endpoint->address);
	if (!c->error)
		endpoint->kind = (enum config_endpoint_kind)kind;
}

static void code_config(struct codec *c, struct config *config)
{
	code_header(c);
	codec_text(c, &config->path, TEXT_MAX, false);
	codec_text(c, &config->user, TEXT_MAX, false);
	codec_text(c, &config->group, TEXT_MAX, false);
	codec_text(c, &config->runtime_directory, TEXT_MAX, false);
	codec_text(c, &config->api_socket, TEXT_MAX, false);
	code_endpoint(c, &config->metrics);
	code_number(c, TYPE_ROOT, "workers", &config->workers);
	code_number(c, TYPE_LIMITS, "connections", &config->limits.connections);
	code_number(c, TYPE_LIMITS, "handshakes", &config->limits.handshakes);
	code_number(c, TYPE_LIMITS, "handshake-rate", &config->limits.handshake_rate);
	code_number(c, TYPE_LIMITS, "connections-per-address",
		    &config->limits.connections_per_address);
	code_number(c, TYPE_LIMITS, "key-records", &config->limits.key_records);
	code_number(c, TYPE_LIMITS, "pipes", &config->limits.pipes);
	config->listeners = code_array(c, TYPE_ROOT, "listeners", config->listeners,
				       &config->n_listeners, sizeof(*config->listeners));
	for (unsigned i = 0; !c->error && i < config->n_listeners; i++)
		code_listener(c, &config->listeners[i]);
}

static int create_memfd(void)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("ktlsd-config", flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create("ktlsd-config", flags);
	return fd < 0 ? -errno : fd;
}

/* Writes the configuration of that length into the empty file. */
static int write_config(int fd, struct config *config, size_t len)
{
	struct codec c = { .mode = CODEC_WRITE, .len = len };
	void *map;

	if (ftruncate(fd, (off_t)len) < 0)
		return -errno;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	(void)madvise(map, len, MADV_DONTDUMP);
	c.out = map;
	code_config(&c, config);
	munmap(map, len); /* F_SEAL_WRITE wants no writable mapping */
	return c.error;
}

int config_pack(const struct config *config)
{
	struct config coded = *config; /* the codec writes to it when it reads, and only then */
	struct codec measure = { .mode = CODEC_MEASURE };
	_cleanup_fd_ int fd = -1;
	int r;

	code_config(&measure, &coded);
	if (measure.error)
		return measure.error;
	if (measure.pos > CONFIG_PACK_MAX)
		return -E2BIG;
	fd = create_memfd();
	if (fd < 0)
		return fd;
	r = write_config(fd, &coded, measure.pos);
	if (r < 0)
		return r;
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	return fd_take(&fd);
}

struct config *config_pack_decode(const uint8_t *bytes, size_t len, struct config_error *error)
{
	struct codec c = { .mode = CODEC_READ, .in = bytes, .len = len };
	struct config *config = calloc(1, sizeof(*config));

	if (config)
		code_config(&c, config);
	else
		codec_fail(&c, -ENOMEM);
	if (c.pos != len)
		codec_fail(&c, -EBADMSG);
	if (!c.error)
		return config;
	snprintf(error->text, sizeof(error->text), "packed configuration: byte %zu of %zu: %s",
		 c.pos, len, c.error == -ENOMEM ? "out of memory" : "not what this build packs");
	config_free(config);
	return NULL;
}

struct config *config_unpack(int fd, struct config_error *error)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct config *config;
	struct stat st;
	void *map;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0 || !st.st_size ||
	    st.st_size > CONFIG_PACK_MAX) {
		snprintf(error->text, sizeof(error->text),
			 "packed configuration: the descriptor is no sealed memfd of a fair size");
		return NULL;
	}
	/* Private: before Linux 6.7 a write-sealed file has no shared mapping, not even to read. */
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED) {
		snprintf(error->text, sizeof(error->text), "packed configuration: mmap: %s",
			 strerror(errno));
		return NULL;
	}
	(void)madvise(map, (size_t)st.st_size, MADV_DONTDUMP);
	config = config_pack_decode(map, (size_t)st.st_size, error);
	munmap(map, (size_t)st.st_size);
	return config;
}
