/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log: logfmt lines on stderr with a <N> priority prefix, rate-limited per call site. */
#ifndef KTLSD_BASE_LOG_H
#define KTLSD_BASE_LOG_H

#include <stdint.h>

/* The priorities of sd-daemon(3) that we use. */
enum log_level {
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6
};

/* One per call site: at most LOG_BURST lines in LOG_WINDOW_S seconds, the rest counted. */
struct log_limit {
	uint64_t window_ns;
	uint32_t n;
	uint32_t suppressed;
};

/* Lines of lower importance than this are dropped; INFO at start. */
void log_set_level(enum log_level level);

/*
 * Writes one line: `<4>` and the formatted text, which is logfmt (`conn=17 reason=... msg="..."`).
 * Control characters in it are replaced, so that bytes from outside cannot forge lines. One
 * write(2) a line; a full pipe loses the line rather than stop a worker.
 */
void log_write(enum log_level level, struct log_limit *limit, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_limited(level, ...)                               \
	do {                                                  \
		static _Thread_local struct log_limit limit_; \
		log_write(level, &limit_, __VA_ARGS__);       \
	} while (0)

#define log_err(...) log_limited(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warning(...) log_limited(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_limited(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_limited(LOG_LEVEL_INFO, __VA_ARGS__)

/* "ENOENT" for 2 and -2; "0" for 0. */
const char *log_errno(int err);

#endif
