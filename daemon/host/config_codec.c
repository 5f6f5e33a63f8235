/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields to bytes and back; knows no configuration. READ trusts nothing. */
#include "host/config_codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/secret.h"

#define NO_TEXT UINT32_MAX /* length of a NULL */

void codec_fail(struct codec *c, int error)
{
	if (!c->error)
		c->error = error;
}

/* Moves on by len bytes: their offset, or false with the failure noted. */
static bool advance(struct codec *c, size_t len, size_t *at)
{
	if (c->error)
		return false;
	if (c->mode != CODEC_MEASURE && len > c->len - c->pos) {
		codec_fail(c, -EBADMSG);
		return false;
	}
	*at = c->pos;
	if (__builtin_add_overflow(c->pos, len, &c->pos))
		codec_fail(c, -E2BIG);
	return !c->error;
}

void codec_bytes(struct codec *c, void *bytes, size_t len)
{
	size_t at;

	if (!advance(c, len, &at) || !len)
		return;
	if (c->mode == CODEC_WRITE)
		memcpy(c->out + at, bytes, len);
	else if (c->mode == CODEC_READ)
		memcpy(bytes, c->in + at, len);
}

void codec_u32(struct codec *c, uint32_t *value, uint32_t min, uint32_t max)
{
	uint32_t coded = *value;

	codec_bytes(c, &coded, sizeof(coded));
	if (coded < min || coded > max)
		codec_fail(c, -EBADMSG);
	if (c->mode == CODEC_READ && !c->error)
		*value = coded;
}

void codec_u16(struct codec *c, uint16_t *value, uint16_t min, uint16_t max)
{
	uint32_t coded = *value;

	codec_u32(c, &coded, min, max);
	if (c->mode == CODEC_READ && !c->error)
		*value = (uint16_t)coded;
}

/* What comes next is a text of len bytes: is it one? */
static bool text_follows(struct codec *c, size_t len)
{
	if (!c->error && (len > c->len - c->pos || memchr(c->in + c->pos, '\0', len)))
		codec_fail(c, -EBADMSG);
	return !c->error;
}

void codec_text(struct codec *c, char **text, size_t max, bool may_be_null)
{
	uint32_t len = c->mode != CODEC_READ && *text ? (uint32_t)strlen(*text) : NO_TEXT;

	codec_u32(c, &len, 0, UINT32_MAX);
	if (len == NO_TEXT ? !may_be_null : len > max)
		codec_fail(c, -EBADMSG);
	if (c->error || len == NO_TEXT)
		return;
	if (c->mode == CODEC_READ) {
		if (!text_follows(c, len))
			return;
		*text = calloc(1, (size_t)len + 1);
		if (!*text)
			return codec_fail(c, -ENOMEM);
	}
	codec_bytes(c, *text, len);
}

void codec_pem(struct codec *c, char **text, size_t *len, size_t max, bool secret)
{
	uint32_t coded = (uint32_t)*len;

	codec_u32(c, &coded, 0, (uint32_t)max);
	if (c->error)
		return;
	if (c->mode == CODEC_READ) {
		if (!text_follows(c, coded))
			return;
		*text = secret ? secret_new(coded) : calloc(1, (size_t)coded + 1);
		if (!*text)
			return codec_fail(c, -ENOMEM);
		*len = coded;
	} else if (!*text) {
		return codec_fail(c, -EBADMSG);
	}
	codec_bytes(c, *text, coded);
}

void *codec_array(struct codec *c, void *array, unsigned *n, size_t element, unsigned min,
		  unsigned max)
{
	uint32_t coded = *n;

	codec_u32(c, &coded, min, max);
	if (c->mode != CODEC_READ || c->error || !coded)
		return array;
	array = calloc(coded, element);
	if (array)
		*n = coded;
	else
		codec_fail(c, -ENOMEM);
	return array;
}
