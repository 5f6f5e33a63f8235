/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listing of listeners. */
#include "cli/listeners.h"

#include <errno.h>

#include "base/json.h"
#include "base/util.h"
#include "cli/column.h"
#include "cli/table.h"

static const struct column columns[] = {
	{ "listener", COLUMN_TEXT, "name", NULL, 0, COLUMN_DEFAULT, "name of the listener" },
	{ "address", COLUMN_TEXT, "address", NULL, 0, COLUMN_DEFAULT, "where it listens" },
	{ "backend", COLUMN_TEXT, "backend", NULL, 0, COLUMN_DEFAULT, "where its bytes go" },
	{ "tx", COLUMN_TEXT, "tx", NULL, 0, COLUMN_DEFAULT,
	  "policy in force for sending: off, auto, on or require" },
	{ "rx", COLUMN_TEXT, "rx", NULL, 0, COLUMN_DEFAULT, "policy in force for receiving" },
	{ "overridden", COLUMN_BOOL, "overridden", NULL, 0, COLUMN_DEFAULT,
	  "yes: by ktlsctl policy, until the next reload; no: as the configuration says" },
	{ "draining", COLUMN_BOOL, "draining", NULL, 0, COLUMN_DEFAULT | COLUMN_IF_KNOWN,
	  "yes: it takes no connections until ktlsctl drain --undo or the next reload" },
	{ "open", COLUMN_NUMBER, "connections", NULL, 0, COLUMN_DEFAULT, "connections open now" },
	{ "tx-kernel", COLUMN_NUMBER, "tx_kernel", NULL, 0, COLUMN_DEFAULT | COLUMN_IF_KNOWN,
	  "of those, with the sending side in the kernel" },
	{ "rx-kernel", COLUMN_NUMBER, "rx_kernel", NULL, 0, COLUMN_DEFAULT | COLUMN_IF_KNOWN,
	  "of those, with the receiving side in the kernel" },
	{ "accepted", COLUMN_NUMBER, "accepted", NULL, 0, COLUMN_DEFAULT,
	  "connections taken since the start" },
};

const struct listing listeners_listing = {
	.name = "listeners",
	.empty = "No listeners: ktlsd only observes.",
	.columns = columns,
	.n_columns = ARRAY_SIZE(columns),
};

int listeners_print(struct json *listeners, const struct options *options)
{
	_cleanup_table_ struct table *table = table_new(&listeners_listing, options);

	if (!table)
		return -ECANCELED;
	for (size_t i = 0; i < json_length(listeners); i++) {
		struct json *listener;
		int r = json_at(listeners, i, &listener);

		if (!r)
			r = table_add(table, listener);
		if (r)
			return r;
	}
	return table_print(table);
}
