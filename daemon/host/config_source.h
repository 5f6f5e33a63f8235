/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of a configuration and the lines of its keys, so that every complaint names both. */
#ifndef KTLSD_HOST_CONFIG_SOURCE_H
#define KTLSD_HOST_CONFIG_SOURCE_H

#include <stdarg.h>
#include <stddef.h>

struct config_error; /* host/config.h */
struct source_mark;

struct config_source {
	const char *path; /* as the user named it; not owned */
	const char *text; /* not owned */
	size_t len;
	struct source_mark *marks; /* owned: where every key and list entry starts */
	size_t n_marks, size_marks;
	struct config_error *error; /* not owned: takes the first complaint */
};

/*
 * Scans the text, which has to stay with its path and the error until config_source_fini(). What
 * is no YAML, or YAML that a configuration has no use for (aliases, several documents, deep
 * nesting, control characters), is rejected: -EINVAL. -ENOMEM also fills the error. Calling
 * config_source_fini() is right in every case.
 */
int config_source_init(struct config_source *source, const char *path, const char *text, size_t len,
		       struct config_error *error);
void config_source_fini(struct config_source *source);

/* The line, from 1, of "listeners[0].ktls.tx", or of the nearest mapping around it that exists. */
unsigned config_source_line(const struct config_source *source, const char *key);

/*
 * Fills `out` with "path:line: key: message", on one line and without control characters. The
 * key's path may be "" for the whole file.
 */
void config_source_format(const struct config_source *source, struct config_error *out,
			  const char *key, const char *fmt, va_list args)
	__attribute__((format(printf, 4, 0)));

/* config_source_format() into the error. Returns -EINVAL for the caller to pass on. */
int config_source_reject(struct config_source *source, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Fills the error for memory that is short; returns -ENOMEM. */
int config_source_reject_memory(struct config_source *source);

/* A copy of the text, and n zeroed elements, for free(); NULL with the error filled. */
char *config_source_copy(struct config_source *source, const char *text);
void *config_source_alloc(struct config_source *source, size_t n, size_t element);

#endif
