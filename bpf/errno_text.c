/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of errnos and its lookup. */
#include "bpf/errno_text.h"

#include <errno.h>
#include <stddef.h>

#include "base/util.h"

static const struct row {
	enum errno_place place;
	int error;
	struct errno_text text;
} rows[] = {
#define ERRNO(place, error, what, remedy) { ERRNO_##place, error, { what, remedy } },
#include "bpf/errno.def"
#undef ERRNO
};

const struct errno_text *errno_text(enum errno_place place, int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].place == place && rows[i].error == error)
			return &rows[i].text;
	return NULL;
}
