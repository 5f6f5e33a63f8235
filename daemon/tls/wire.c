/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses record headers as they pass. */
#include "tls/wire.h"

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

void wire_track(struct wire *w, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!w->body_left) {
			w->header[w->n_header++] = p[i];
			if (w->n_header == sizeof(w->header))
				begin_record(w);
			continue;
		}
		if (w->encrypted && w->n_nonce < sizeof(w->nonce))
			w->nonce[w->n_nonce++] = p[i];
		if (!--w->body_left)
			end_record(w);
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
