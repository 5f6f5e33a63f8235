/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration: what ktlsd.yaml says, checked, with its files read. Knows no sockets. */
#ifndef KTLSD_HOST_CONFIG_H
#define KTLSD_HOST_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "serve/policy.h"

struct config_address {
	uint8_t bytes[128]; /* struct sockaddr_storage */
	uint32_t len;	    /* of the sockaddr in it */
};

struct config_limits {
	uint32_t connections;		  /* open at once, all workers */
	uint32_t handshakes;		  /* in flight at once, all workers */
	uint32_t handshake_rate;	  /* begun in a second, all workers; 0: no limit */
	uint32_t connections_per_address; /* 0: no limit */
	uint32_t key_records; /* under one sending key; 0: what its cipher suite allows */
	uint32_t pipes;	      /* in the pool, all workers */
};

struct config_timeouts { /* milliseconds */
	uint32_t handshake, connect, idle, request, stall, drain;
	uint32_t total; /* 0: no limit */
};

struct config_keepalive { /* seconds; TCP_KEEPIDLE, TCP_KEEPINTVL; count: TCP_KEEPCNT */
	uint32_t idle, interval, count;
};

/* A certificate chain and its key, PEM, read into memory: NUL-terminated after len bytes. */
struct config_certificate {
	char *chain_path, *key_path;
	char *chain, *key;
	size_t chain_len, key_len;
};

enum config_backend_kind { CONFIG_BACKEND_TCP, CONFIG_BACKEND_UNIX, CONFIG_BACKEND_FILES };

struct config_backend {
	enum config_backend_kind kind;
	char *text;		       /* as written: "tcp:127.0.0.1:8080", "unix:/run/app.sock" */
	struct config_address address; /* resolved at start and reload; of files: none */
};

struct config_files { /* if the backend's kind is CONFIG_BACKEND_FILES */
	char *root, *index;
	uint32_t request_max; /* bytes */
	uint32_t zerocopy;    /* 0 or 1 */
};

struct config_listener {
	char *name;
	char *text; /* address as written, "127.0.0.1:8443", "[::]:443" */
	struct config_address address;
	struct config_certificate *certificates;
	unsigned n_certificates; /* >= 1; the first is the default */
	char **alpn;		 /* in order of preference */
	unsigned n_alpn;
	char *ciphers;			   /* wolfSSL cipher list, or NULL for the default */
	uint16_t version_min, version_max; /* TLS12, TLS13 */
	struct config_backend backend;
	struct config_files files;
	struct config_timeouts timeouts;
	struct config_keepalive keepalive;
	uint32_t user_timeout_ms; /* TCP_USER_TIMEOUT, 0 the kernel's default */
	struct policy policy;
};

/* Where the exporter answers. */
struct config_endpoint {
	enum config_endpoint_kind {
		CONFIG_ENDPOINT_OFF,
		CONFIG_ENDPOINT_TCP,
		CONFIG_ENDPOINT_UNIX
	} kind;
	uint32_t is_default;	       /* the file says nothing of it */
	char *text;		       /* as written */
	struct config_address address; /* unless OFF */
};

struct config {
	char *path;
	char *user, *group;	 /* of the server process */
	char *runtime_directory; /* /run/ktlsd */
	char *api_socket;	 /* path of the Varlink socket */
	struct config_endpoint metrics;
	unsigned workers; /* >= 1; as configured, or the CPUs the process may use */
	struct config_limits limits;
	struct config_listener *listeners;
	unsigned n_listeners;
	char **warnings; /* one line each, for the log and for --check; not packed */
	unsigned n_warnings;
};

/* Where and why a configuration is wrong: "ktlsd.yaml:12: listeners[0].ktls.tx: ..." */
struct config_error {
	char text[512];
};

/*
 * Reads and checks the file and every file it names. Gives a configuration that the caller frees,
 * or NULL with *error filled (one line, names file, line where known, key and what to do).
 * Private keys are in memory of their own: locked, in no core dump, zero in a forked child (the
 * server gets them by config_pack()), wiped by config_free().
 *
 * Host names are asked of the resolver by a child process that has no privileges and five seconds
 * a name, so this may block for that long; the caller leaves SIGCHLD's disposition alone, or gets
 * used to a child it did not start.
 */
struct config *config_load(const char *path, struct config_error *error);
void config_free(struct config *config);

/*
 * Packs the configuration with its files' contents into a sealed memfd for the server process,
 * and back. The server reads no file. config_pack() gives the descriptor or -errno (-E2BIG past
 * CONFIG_PACK_MAX). Sealed bytes cannot be wiped: they are gone when the last descriptor is
 * closed, so both sides close theirs as soon as the server has unpacked. config_unpack() leaves
 * the descriptor open, takes nothing on trust, and wants the same build that packed.
 */
enum { CONFIG_PACK_MAX = 256 * 1024 * 1024 }; /* bytes */

int config_pack(const struct config *config);
struct config *config_unpack(int fd, struct config_error *error);

#endif
