/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ktlsd.yaml says, as texts: the shape is checked, the values are not. */
#ifndef KTLSD_HOST_CONFIG_SCHEMA_H
#define KTLSD_HOST_CONFIG_SCHEMA_H

struct config_source; /* host/config_source.h */

/* NULL where the file says nothing. All of it belongs to the raw_root. */
struct raw_limits {
	char *connections, *handshakes, *handshake_rate, *connections_per_address, *key_records,
		*pipes;
};

struct raw_timeouts {
	char *handshake, *connect, *idle, *request, *stall, *drain, *total;
};

struct raw_certificate {
	char *chain, *key;
};

struct raw_keepalive {
	char *idle, *interval, *count;
};

struct raw_files {
	char *root, *index, *request_size, *zerocopy;
};

struct raw_ktls {
	char *tx, *rx;
};

struct raw_listener {
	char *name, *address, *proxy, *user_timeout;
	char **alpn, **versions, **ciphers;
	unsigned n_alpn, n_versions, n_ciphers;
	struct raw_certificate *certificates;
	unsigned n_certificates;
	struct raw_files *files;
	struct raw_keepalive *keepalive;
	struct raw_timeouts *timeouts;
	struct raw_ktls *ktls;
};

struct raw_root {
	char *user, *group, *runtime_directory, *api_socket, *metrics, *workers;
	struct raw_limits *limits;
	struct raw_timeouts *timeouts;
	struct raw_listener *listeners;
	unsigned n_listeners;
};

/*
 * Reads the text into texts: unknown keys, keys given twice and values of a wrong shape are
 * rejected at the source. NULL then, else the caller gives it to config_schema_free().
 */
struct raw_root *config_schema_load(struct config_source *source);
void config_schema_free(struct raw_root *root);

#endif
