/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and durations as people write them. */
#ifndef KTLSD_BASE_VALUE_H
#define KTLSD_BASE_VALUE_H

#include <stddef.h>
#include <stdint.h>

/* Decimal digits and nothing else. -EINVAL; -ERANGE when it does not fit. */
int value_parse_number(const char *text, uint64_t *number);

/* "250ms", "10s", "5m", "1h", "2d", and "0", which needs no unit. -EINVAL, -ERANGE. */
int value_parse_duration(const char *text, uint64_t *ms);

/* In the largest unit that divides it: 300000 is "5m". */
void value_format_duration(uint64_t ms, char *buf, size_t size);

#endif
