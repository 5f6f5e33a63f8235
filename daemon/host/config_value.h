/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the text of one value to what it means, checked against its row of the table. */
#ifndef KTLSD_HOST_CONFIG_VALUE_H
#define KTLSD_HOST_CONFIG_VALUE_H

#include "host/config_key.h"

struct config_source;

/* Where a value stands, for complaints. */
struct config_place {
	struct config_source *source;
	const char *at;		      /* path of the mapping, "" for the top one */
	const struct config_key *key; /* row of the value */
};

/* Rejects the value at the source, "listeners[0].proxy: message"; -EINVAL. */
int config_value_reject(const struct config_place *place, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* "expects a duration, 100ms to 10m, not 'soon'"; -EINVAL. */
int config_value_reject_text(const struct config_place *place, const char *text);

/*
 * Checks a text and stores its meaning at `target`, which has the C type that config.h gives to
 * the row's target and takes what is allocated. -EINVAL or -ENOMEM with the error filled.
 */
int config_value_store(const struct config_place *place, const char *text, void *target);

#endif
