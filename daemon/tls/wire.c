/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses record headers as they pass. */
#include "tls/wire.h"

#include <string.h>

#include "base/util.h"
#include "tls/record.h"

static void begin_record(struct wire *w)
{
	w->n_header = 0;
	w->n_nonce = 0;
	w->body_left = be16_get(w->header + 3);
	if (w->encrypted)
		w->n_encrypted++;
}

static void end_record(struct wire *w)
{
	if (w->header[0] == RECORD_CCS)
		w->encrypted = true;
}

/* Takes bytes of the body, at least one: as many as are there. */
static size_t track_body(struct wire *w, const uint8_t *p, size_t len)
{
	size_t n = MIN_OF(len, (size_t)w->body_left);

	if (w->encrypted && w->n_nonce < sizeof(w->nonce)) {
		size_t of_nonce = MIN_OF(n, sizeof(w->nonce) - w->n_nonce);

		memcpy(w->nonce + w->n_nonce, p, of_nonce);
		w->n_nonce += (uint8_t)of_nonce;
	}
	w->body_left -= (uint16_t)n;
	if (!w->body_left)
		end_record(w);
	return n;
}

void wire_track(struct wire *w, const uint8_t *p, size_t len)
{
	while (len) {
		size_t n = 1;

		if (w->body_left) {
			n = track_body(w, p, len);
		} else {
			w->header[w->n_header++] = *p;
			if (w->n_header == sizeof(w->header))
				begin_record(w);
		}
		p += n;
		len -= n;
	}
}

bool wire_is_at_boundary(const struct wire *w)
{
	return !w->n_header && !w->body_left;
}

bool wire_next_nonce(const struct wire *w, uint64_t seq, uint64_t *nonce)
{
	if (!wire_is_at_boundary(w) || !seq || w->n_encrypted != seq ||
	    w->n_nonce != sizeof(w->nonce))
		return false;
	*nonce = be64_get(w->nonce) + 1;
	return true;
}
