/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reason table and its lookups. */
#include "base/reason.h"

#include <string.h>

#include "base/util.h"

struct row {
	enum reason_class class;
	const char *wire;
	const char *what;
	const char *remedy;
};

static const struct row rows[REASON_COUNT] = {
	[REASON_NONE] = { REASON_CLASS_OK, "none", "Nothing happened.", "Nothing." },
#define REASON(id, class_, wire_, what_, remedy_) \
	[REASON_##id] = { REASON_CLASS_##class_, wire_, what_, remedy_ },
#include "base/reason.def"
#undef REASON
};

static const char *const class_names[] = { "ok", "peer", "host", "bug" };

const char *reason_name(enum reason r)
{
	return rows[r].wire;
}

const char *reason_what(enum reason r)
{
	return rows[r].what;
}

const char *reason_remedy(enum reason r)
{
	return rows[r].remedy;
}

enum reason_class reason_class(enum reason r)
{
	return rows[r].class;
}

const char *reason_class_name(enum reason_class c)
{
	return class_names[c];
}

enum reason reason_find(const char *wire)
{
	for (size_t i = 1; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].wire, wire))
			return (enum reason)i;
	return REASON_NONE;
}
