/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a configuration file, and frees what it became. */
#include "host/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "host/config_gather.h"
#include "host/config_parse.h"
#include "host/config_source.h"
#include "host/secret.h"

enum { TEXT_LEN_MAX = 1024 * 1024 }; /* bytes of a configuration file */

/* Fills buf to its end or the file's: bytes read, or -errno. */
static ssize_t read_up_to(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* The text of the file at source->path, for free(); NULL with the error filled. */
static char *read_text(struct config_source *source, size_t *len)
{
	_cleanup_free_ char *text = malloc(TEXT_LEN_MAX + 1);
	_cleanup_fd_ int fd = -1;
	char *whole;
	ssize_t n;

	if (!text) {
		config_source_reject_memory(source);
		return NULL;
	}
	fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	n = fd < 0 ? -errno : read_up_to(fd, text, TEXT_LEN_MAX + 1);
	if (n < 0) {
		config_source_reject(source, "", "cannot be read: %s", strerror((int)-n));
		return NULL;
	}
	if (n > TEXT_LEN_MAX) {
		config_source_reject(source, "", "is larger than 1 MiB; is it a configuration?");
		return NULL;
	}
	*len = (size_t)n;
	whole = text;
	text = NULL;
	return whole;
}

struct config *config_load(const char *path, struct config_error *error)
{
	struct config_source source = { .path = path, .error = error };
	struct config *config = NULL;
	size_t len = 0;
	_cleanup_free_ char *text = read_text(&source, &len);

	if (!text)
		return NULL;
	if (!config_source_init(&source, path, text, len, error))
		config = config_parse(&source);
	if (config && config_gather(config, &source) < 0) {
		config_free(config);
		config = NULL;
	}
	config_source_fini(&source);
	return config;
}

static void free_certificate(struct config_certificate *certificate)
{
	free(certificate->chain_path);
	free(certificate->key_path);
	free(certificate->chain);
	secret_free(certificate->key, certificate->key_len);
}

static void free_listener(struct config_listener *listener)
{
	free(listener->name);
	free(listener->text);
	for (unsigned i = 0; listener->certificates && i < listener->n_certificates; i++)
		free_certificate(&listener->certificates[i]);
	free(listener->certificates);
	for (unsigned i = 0; listener->alpn && i < listener->n_alpn; i++)
		free(listener->alpn[i]);
	free(listener->alpn);
	free(listener->ciphers);
	free(listener->backend.text);
	free(listener->files.root);
	free(listener->files.index);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	free(config->path);
	free(config->user);
	free(config->group);
	free(config->runtime_directory);
	free(config->api_socket);
	free(config->metrics.text);
	for (unsigned i = 0; config->listeners && i < config->n_listeners; i++)
		free_listener(&config->listeners[i]);
	free(config->listeners);
	for (unsigned i = 0; i < config->n_warnings; i++)
		free(config->warnings[i]);
	free(config->warnings);
	free(config);
}
