/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes what is made of a peer's control records. The input is records of {type, length, bytes};
 * every verdict is consistent in itself, and a KeyUpdate is believed only where one stands.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/suite.h"
#include "tls/posthandshake.h"
#include "tls/record.h"

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_end(const struct posthandshake_verdict *v, uint8_t type, const uint8_t *p)
{
	require(v->reason == REASON_PEER_ALERT || v->reason == REASON_UNEXPECTED_MESSAGE ||
		v->reason == REASON_RENEGOTIATION || v->reason == REASON_KEY_UPDATE_FLOOD ||
		v->reason == REASON_RECORD_FLOOD);
	require((v->reason == REASON_PEER_ALERT) == (v->alert == ALERT_NONE));
	if (v->reason == REASON_PEER_ALERT)
		require(type == RECORD_ALERT && p[1] == v->peer_alert);
}

/* The last bytes of handshake records seen, for comparison with a KeyUpdate. */
static uint8_t tail[KEY_UPDATE_LEN];

static void push_tail(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		memmove(tail, tail + 1, sizeof(tail) - 1);
		tail[sizeof(tail) - 1] = p[i];
	}
}

static int check(const struct posthandshake_verdict *v, uint16_t version, uint8_t type,
		 const uint8_t *p, size_t len)
{
	static const uint8_t key_update[] = { 24, 0, 0, 1 };

	switch (v->action) {
	case POSTHANDSHAKE_NONE:
		return 1;
	case POSTHANDSHAKE_PEER_CLOSED:
		require(type == RECORD_ALERT && len == ALERT_LEN && p[1] == ALERT_CLOSE_NOTIFY);
		return 1;
	case POSTHANDSHAKE_REKEY_RX:
	case POSTHANDSHAKE_REKEY_BOTH:
		require(version == TLS13 && type == RECORD_HANDSHAKE);
		require(!memcmp(tail, key_update, sizeof(key_update)));
		require(tail[4] == (v->action == POSTHANDSHAKE_REKEY_BOTH));
		return 1;
	case POSTHANDSHAKE_END:
		check_end(v, type, p);
		return 0;
	}
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	struct posthandshake ph = { 0 };
	uint64_t now = 0;
	uint16_t version;

	if (!size)
		return 0;
	version = *data++ % 2 ? TLS13 : TLS12;
	memset(tail, 0, sizeof(tail));
	while (end - data >= 3) {
		uint8_t type = data[0];
		size_t len = data[1];
		struct posthandshake_verdict v;

		now += (uint64_t)data[2] << 24;
		data += 3;
		if (len > (size_t)(end - data))
			len = (size_t)(end - data);
		if (type == RECORD_HANDSHAKE)
			push_tail(data, len);
		v = posthandshake_take(&ph, version, type, data, len, now);
		require(ph.n_partial < KEY_UPDATE_LEN);
		require(v.action == POSTHANDSHAKE_NONE || v.action == POSTHANDSHAKE_END ||
			!ph.n_partial);
		if (!check(&v, version, type, data, len))
			return 0;
		data += len;
	}
	return 0;
}
