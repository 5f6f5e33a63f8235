/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ordered report of what was looked at: each thing is fine, a finding, a note, or not known. */
#ifndef KTLSD_CLI_DIAGNOSIS_H
#define KTLSD_CLI_DIAGNOSIS_H

#include <stddef.h>

enum diagnosis_result {
	DIAGNOSIS_OK,
	DIAGNOSIS_FINDING, /* somebody should do something */
	DIAGNOSIS_NOTE,	   /* worth knowing, nothing to do */
	DIAGNOSIS_UNKNOWN, /* could not be looked at */
};

struct diagnosis;

struct diagnosis *diagnosis_new(void); /* or NULL */
void diagnosis_free(struct diagnosis *d);

#define _cleanup_diagnosis_ __attribute__((cleanup(diagnosis_cleanup)))
void diagnosis_cleanup(struct diagnosis **d);

/* Adds a line about a subject ("AES driver", a few words). `advice` may be NULL. */
void diagnosis_add(struct diagnosis *d, enum diagnosis_result result, const char *subject,
		   const char *advice, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* The advice with that device for the word DEV, until the next call; as it is without a device. */
const char *diagnosis_advice_for(struct diagnosis *d, const char *advice, const char *device);

size_t diagnosis_count_findings(const struct diagnosis *d);

/* Both 0 or -ENOMEM. */
int diagnosis_print(const struct diagnosis *d);
int diagnosis_print_json(const struct diagnosis *d);

#endif
