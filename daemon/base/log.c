/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats a line, limits its rate, writes it whole. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

enum { LOG_BURST = 20, LOG_WINDOW_S = 5, LINE_MAX_LEN = 1024 };

static atomic_int max_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	max_level = (int)level;
}

/* True if the line may be written; *suppressed then tells how many were not. */
static bool may_write(struct log_limit *limit, uint32_t *suppressed)
{
	uint64_t now = now_ns();

	*suppressed = 0;
	if (!limit)
		return true;
	if (now - limit->window_ns > LOG_WINDOW_S * 1000 * NS_PER_MS) {
		*suppressed = limit->suppressed;
		*limit = (struct log_limit){ .window_ns = now };
	}
	if (limit->n >= LOG_BURST) {
		limit->suppressed++;
		return false;
	}
	limit->n++;
	return true;
}

void log_write(enum log_level level, struct log_limit *limit, const char *fmt, ...)
{
	char line[LINE_MAX_LEN];
	uint32_t suppressed;
	size_t len;
	va_list ap;

	if ((int)level > max_level || !may_write(limit, &suppressed))
		return;
	len = (size_t)snprintf(line, sizeof(line), "<%d>", level);
	va_start(ap, fmt);
	vsnprintf(line + len, sizeof(line) - len - 32, fmt, ap);
	va_end(ap);
	len = strlen(line);
	if (suppressed)
		len += (size_t)snprintf(line + len, sizeof(line) - len, " suppressed=%u",
					suppressed);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	/* A line that cannot be written is lost: there is nowhere to say so. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

const char *log_errno(int err)
{
	const char *name = err ? strerrorname_np(abs(err)) : "0";

	return name ? name : "EUNKNOWN";
}
