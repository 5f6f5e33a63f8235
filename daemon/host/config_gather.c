/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users, addresses, certificates and keys: everything a configuration names outside itself. */
#include "host/config_gather.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "host/address.h"
#include "host/config.h"
#include "host/config_source.h"
#include "host/pem.h"
#include "host/secret.h"

enum {
	RESOLVE_TIMEOUT_MS = 5000,
	PATH_SIZE = 128, /* of a key */
};

/* Adds a line for the log; -ENOMEM. */
__attribute__((format(printf, 4, 5))) static int
warn(struct config *config, struct config_source *source, const char *key, const char *fmt, ...)
{
	struct config_error line;
	char **warnings = reallocarray(config->warnings, config->n_warnings + 1, sizeof(*warnings));
	va_list args;

	if (!warnings)
		return config_source_reject_memory(source);
	config->warnings = warnings;
	va_start(args, fmt);
	config_source_format(source, &line, key, fmt, args);
	va_end(args);
	warnings[config->n_warnings] = config_source_copy(source, line.text);
	if (!warnings[config->n_warnings])
		return -ENOMEM;
	config->n_warnings++;
	return 0;
}

/* The group's name for the user that has none configured. */
static char *primary_group(const struct passwd *user)
{
	const struct group *group = getgrgid(user->pw_gid);
	char *name = NULL;

	if (group)
		return strdup(group->gr_name);
	return asprintf(&name, "%u", (unsigned)user->pw_gid) < 0 ? NULL : name;
}

/*
 * The server's user and group exist. Who is not root cannot change user, so that a developer
 * needs no account for it.
 */
static int gather_user(struct config *config, struct config_source *source)
{
	const struct passwd *user = getpwnam(config->user);

	if (!user && !geteuid())
		return config_source_reject(source, "user",
					    "there is no user '%s'; create it with 'adduser "
					    "--system "
					    "--group %s' or name another",
					    config->user, config->user);
	if (config->group && !getgrnam(config->group) && !geteuid())
		return config_source_reject(source, "group",
					    "there is no group '%s'; create it with 'addgroup "
					    "--system %s' or name another",
					    config->group, config->group);
	if (!config->group)
		config->group = user ? primary_group(user) : strdup(config->user);
	if (!config->group)
		return config_source_reject_memory(source);
	if (user && !user->pw_uid)
		return warn(config, source, "user",
			    "the server process will run as root; name a user without rights");
	return 0;
}

static int gather_address(struct config_source *source, const char *key, const char *text,
			  struct config_address *address)
{
	struct address_text parts;
	const char *why;
	int r = address_split(text, &parts, &why);

	if (!r)
		r = address_resolve(&parts, RESOLVE_TIMEOUT_MS, address, &why);
	if (r < 0)
		config_source_reject(source, key, "the address '%.120s' %s", text, why);
	return r;
}

static int gather_addresses(struct config *config, struct config_source *source, unsigned i)
{
	struct config_listener *listener = &config->listeners[i];
	char key[PATH_SIZE];
	int r;

	snprintf(key, sizeof(key), "listeners[%u].address", i);
	r = gather_address(source, key, listener->text, &listener->address);
	if (r < 0)
		return r;
	for (unsigned j = 0; j < i; j++)
		if (address_equals(&listener->address, &config->listeners[j].address))
			return config_source_reject(source, key,
						    "'%.120s' is the address of listener '%s'; "
						    "take another port",
						    listener->text, config->listeners[j].name);
	if (listener->backend.kind != CONFIG_BACKEND_TCP)
		return 0;
	snprintf(key, sizeof(key), "listeners[%u].proxy", i);
	return gather_address(source, key, strchr(listener->backend.text, ':') + 1,
			      &listener->backend.address);
}

/* A file of the certificate at the key path. */
static int read_pem(struct config_source *source, const char *key, const char *path,
		    enum pem_kind kind, struct pem *pem)
{
	char why[256];
	int r = pem_read(path, kind, pem, why, sizeof(why));

	if (r < 0)
		config_source_reject(source, key, "the file '%.120s' %s", path, why);
	return r;
}

static int gather_chain(struct config_certificate *certificate, struct config_source *source,
			const char *at)
{
	char key[PATH_SIZE + 8];
	struct pem pem;
	int r;

	snprintf(key, sizeof(key), "%s.chain", at);
	r = read_pem(source, key, certificate->chain_path, PEM_CERTIFICATES, &pem);
	if (r < 0)
		return r;
	certificate->chain = config_source_copy(source, pem.text); /* spare the locked memory */
	certificate->chain_len = pem.len;
	secret_free(pem.text, pem.len);
	return certificate->chain ? 0 : -ENOMEM;
}

/* Group-readable keys are Debian's custom (ssl-cert), others have no business with them. */
static int gather_key(struct config *config, struct config_certificate *certificate,
		      struct config_source *source, const char *at)
{
	char key[PATH_SIZE + 8];
	struct pem pem;
	int r;

	snprintf(key, sizeof(key), "%s.key", at);
	r = read_pem(source, key, certificate->key_path, PEM_KEY, &pem);
	if (r < 0)
		return r;
	certificate->key = pem.text;
	certificate->key_len = pem.len;
	if (pem.mode & (S_IWGRP | S_IRWXO))
		return warn(config, source, key,
			    "the key file '%.120s' has mode %04o; run 'chmod 0600' on it",
			    certificate->key_path, (unsigned)(pem.mode & 07777));
	return 0;
}

static int gather_certificates(struct config *config, struct config_source *source, unsigned i)
{
	struct config_listener *listener = &config->listeners[i];
	int r = 0;

	for (unsigned j = 0; !r && j < listener->n_certificates; j++) {
		char at[PATH_SIZE];

		snprintf(at, sizeof(at), "listeners[%u].certificates[%u]", i, j);
		r = gather_chain(&listener->certificates[j], source, at);
		if (!r)
			r = gather_key(config, &listener->certificates[j], source, at);
	}
	return r;
}

/* Whether a file below the directory can be opened: 0 or -errno. */
static int try_directory(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || faccessat(fd, ".", X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/*
 * The directory is there, and open to the server's user, as whom it is tried: but for the groups
 * of this process, which the server will not have and will complain about itself.
 */
static int gather_files(struct config *config, struct config_source *source, unsigned i)
{
	const struct config_listener *listener = &config->listeners[i];
	const struct passwd *user = geteuid() ? NULL : getpwnam(config->user);
	const struct group *group = user ? getgrnam(config->group) : NULL;
	char key[PATH_SIZE];
	int err, as_user;

	if (listener->backend.kind != CONFIG_BACKEND_FILES)
		return 0;
	err = as_user = try_directory(listener->files.root);
	if (!err && user) {
		int gid = setfsgid(group ? group->gr_gid : user->pw_gid);
		int uid = setfsuid(user->pw_uid);

		as_user = try_directory(listener->files.root);
		setfsuid((uid_t)uid);
		setfsgid((gid_t)gid);
	}
	if (!as_user)
		return 0;
	snprintf(key, sizeof(key), "listeners[%u].files.root", i);
	return config_source_reject(source, key,
				    "the directory '%.120s' cannot be opened%s%.31s: %s",
				    listener->files.root, err ? "" : " by user ",
				    err ? "" : config->user, strerror(-as_user));
}

int config_gather(struct config *config, struct config_source *source)
{
	int r = gather_user(config, source);

	if (!r && config->metrics.kind == CONFIG_ENDPOINT_TCP)
		r = gather_address(source, "metrics", config->metrics.text,
				   &config->metrics.address);

	/* All names before the first key: address_resolve() forks. */
	for (unsigned i = 0; !r && i < config->n_listeners; i++)
		r = gather_addresses(config, source, i);
	for (unsigned i = 0; !r && i < config->n_listeners; i++)
		r = gather_files(config, source, i);
	for (unsigned i = 0; !r && i < config->n_listeners; i++)
		r = gather_certificates(config, source, i);
	return r;
}
