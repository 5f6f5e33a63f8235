/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a connection of the API (type Connection) says: its owner, and why it is not where it
 * could be. Everything belongs to the row. */
#ifndef KTLSD_CLI_ROW_H
#define KTLSD_CLI_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

/* A member of the row or, with "tx" or "rx" for `of`, of that direction: "" and -1 when it is not
 * known. */
const char *row_string(struct json *row, const char *of, const char *key);
int64_t row_int(struct json *row, const char *of, const char *key);

bool row_is_ours(struct json *row);

/* "ktlsd", the name of a process, or "other" where none is known. */
const char *row_owner(struct json *row);

/* Of the process that has it open, else of the one that set the keys; -1: neither is known. */
int64_t row_pid(struct json *row);

/* Why a direction is not in the kernel; else why it is not on the device, when somebody should
 * do something about it; else "". */
const char *row_reason(struct json *row, const char *direction);

/* The sum over both directions, -1 when neither is known. */
int64_t row_sum(struct json *row, const char *key);

/* Texts for a cell of a table. */
void row_print_owner(struct json *row, char *cell, size_t size);
void row_print_pid(struct json *row, char *cell, size_t size);
void row_print_reason(struct json *row, char *cell, size_t size);
void row_print_offload(struct json *row, char *cell, size_t size);
void row_print_errors(struct json *row, char *cell, size_t size);
void row_print_rekeys(struct json *row, char *cell, size_t size);
void row_print_device(struct json *row, char *cell, size_t size);

#endif
