/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Measures, writes or reads a sequence of fields: one description of a format serves all three. */
#ifndef KTLSD_HOST_CONFIG_CODEC_H
#define KTLSD_HOST_CONFIG_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum codec_mode { CODEC_MEASURE, CODEC_WRITE, CODEC_READ };

/*
 * After the first failure every call does nothing and `error` stays, so a caller checks once at
 * the end. Integers are in the host's order: both ends are the same machine.
 */
struct codec {
	enum codec_mode mode;
	uint8_t *out;	   /* WRITE; not owned */
	const uint8_t *in; /* READ; not owned */
	size_t len;	   /* of out or in */
	size_t pos;	   /* MEASURE: the length so far */
	int error;	   /* -EBADMSG, -ENOMEM, -E2BIG */
};

/* Bytes of a known number; READ copies them. */
void codec_bytes(struct codec *c, void *bytes, size_t len);

/* READ refuses what is not in [min, max]. */
void codec_u32(struct codec *c, uint32_t *value, uint32_t min, uint32_t max);
void codec_u16(struct codec *c, uint16_t *value, uint16_t min, uint16_t max);

/* READ gives a copy for free(), refuses NUL bytes, more than max, and NULL unless it may be. */
void codec_text(struct codec *c, char **text, size_t max, bool may_be_null);

/* As codec_text(), never NULL, with its length; READ gives secret_new() memory if it is secret. */
void codec_pem(struct codec *c, char **text, size_t *len, size_t max, bool secret);

/*
 * The array whose elements the caller codes next: the given one, or for READ a new one of *n zeroed
 * elements for free(), NULL when there are none.
 */
void *codec_array(struct codec *c, void *array, unsigned *n, size_t element, unsigned min,
		  unsigned max);

/* The first failure; later ones are of no interest. */
void codec_fail(struct codec *c, int error);

#endif
