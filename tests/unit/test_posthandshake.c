/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What records that are not data mean, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/suite.h"
#include "base/util.h"
#include "tls/posthandshake.h"
#include "tls/record.h"

enum { ANY = 0, BYTES_MAX = 16 };

struct row {
	uint16_t version; /* ANY: both */
	uint8_t type;
	uint8_t bytes[BYTES_MAX];
	size_t len;
	enum posthandshake_action action;
	enum reason reason;
	uint8_t alert, peer_alert;
};

#define NOTHING POSTHANDSHAKE_NONE, REASON_NONE, ALERT_NONE, ALERT_NONE
#define CLOSED POSTHANDSHAKE_PEER_CLOSED, REASON_NONE, ALERT_NONE, ALERT_NONE
#define REKEY(which) POSTHANDSHAKE_REKEY_##which, REASON_NONE, ALERT_NONE, ALERT_NONE
#define END(reason, alert) POSTHANDSHAKE_END, REASON_##reason, ALERT_##alert, ALERT_NONE
#define UNEXPECTED END(UNEXPECTED_MESSAGE, UNEXPECTED_MESSAGE)
#define UNDECODABLE END(UNEXPECTED_MESSAGE, DECODE_ERROR)
#define PEER_ALERT(n) POSTHANDSHAKE_END, REASON_PEER_ALERT, ALERT_NONE, n

static const struct row rows[] = {
	/* Alerts (RFC 8446 6, RFC 5246 7.2) */
	{ ANY, RECORD_ALERT, { 1, 0 }, 2, CLOSED },
	{ ANY, RECORD_ALERT, { 2, 0 }, 2, CLOSED },
	{ ANY, RECORD_ALERT, { 1, 90 }, 2, NOTHING }, /* user_canceled */
	{ ANY, RECORD_ALERT, { 2, 20 }, 2, PEER_ALERT(20) },
	{ ANY, RECORD_ALERT, { 2, 48 }, 2, PEER_ALERT(48) },
	{ ANY, RECORD_ALERT, { 2, 254 }, 2, PEER_ALERT(254) },
	{ TLS13, RECORD_ALERT, { 1, 48 }, 2, PEER_ALERT(48) }, /* the level says nothing */
	{ TLS12, RECORD_ALERT, { 1, 48 }, 2, NOTHING },
	{ ANY, RECORD_ALERT, { 1, 100 }, 2, PEER_ALERT(100) }, /* no_renegotiation */
	{ ANY, RECORD_ALERT, { 0 }, 0, UNEXPECTED },
	{ ANY, RECORD_ALERT, { 1 }, 1, UNDECODABLE },
	{ ANY, RECORD_ALERT, { 1, 0, 1, 0 }, 4, UNDECODABLE },

	/* KeyUpdate (RFC 8446 4.6.3), which must end its record (5.1) */
	{ TLS13, RECORD_HANDSHAKE, { 24, 0, 0, 1, 0 }, 5, REKEY(RX) },
	{ TLS13, RECORD_HANDSHAKE, { 24, 0, 0, 1, 1 }, 5, REKEY(BOTH) },
	{ TLS13, RECORD_HANDSHAKE, { 24, 0, 0, 1, 2 }, 5, UNDECODABLE },
	{ TLS13, RECORD_HANDSHAKE, { 24, 0, 0, 2, 0 }, 5, UNDECODABLE },
	{ TLS13, RECORD_HANDSHAKE, { 24, 1, 0, 1, 0 }, 5, UNDECODABLE },
	{ TLS13, RECORD_HANDSHAKE, { 24, 0, 0, 1, 0, 24 }, 6, UNEXPECTED },
	{ TLS13, RECORD_HANDSHAKE, { 24, 0, 0, 1, 0, 24, 0, 0, 1, 0 }, 10, UNEXPECTED },
	{ TLS13, RECORD_HANDSHAKE, { 24, 0, 0 }, 3, NOTHING },
	{ TLS12, RECORD_HANDSHAKE, { 24, 0, 0, 1, 0 }, 5, UNEXPECTED },

	/* Other handshake messages */
	{ ANY, RECORD_HANDSHAKE, { 0 }, 0, UNEXPECTED },
	{ TLS12, RECORD_HANDSHAKE, { 1, 0, 0, 200, 3, 3 }, 6, END(RENEGOTIATION, NO_RENEGOTIATION) },
	{ TLS13, RECORD_HANDSHAKE, { 1, 0, 0, 200, 3, 3 }, 6, UNEXPECTED },
	{ ANY, RECORD_HANDSHAKE, { 0, 0, 0, 0 }, 4, UNEXPECTED },
	{ ANY, RECORD_HANDSHAKE, { 4, 0, 0, 1, 0 }, 5, UNEXPECTED },
	{ ANY, RECORD_HANDSHAKE, { 11, 0, 0, 1, 0 }, 5, UNEXPECTED },
	{ ANY, RECORD_HANDSHAKE, { 20, 0, 0, 1, 0 }, 5, UNEXPECTED },

	/* Other types */
	{ ANY, RECORD_CCS, { 1 }, 1, UNEXPECTED },
	{ ANY, 24, { 1, 0, 1, 0 }, 4, UNEXPECTED },
	{ ANY, 0, { 0 }, 1, UNEXPECTED },
	{ ANY, 99, { 0 }, 0, UNEXPECTED },
};

static void check(const struct row *row, uint16_t version)
{
	struct posthandshake ph = { 0 };
	struct posthandshake_verdict v =
		posthandshake_take(&ph, version, row->type, row->bytes, row->len, 1);

	if (v.action != row->action || v.reason != row->reason || v.alert != row->alert ||
	    v.peer_alert != row->peer_alert)
		fail_msg("row %td, version %04x: action %d, reason %s, alert %d, peer's alert %d",
			 row - rows, version, v.action, reason_name(v.reason), v.alert,
			 v.peer_alert);
}

static void each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].version != TLS13)
			check(&rows[i], TLS12);
		if (rows[i].version != TLS12)
			check(&rows[i], TLS13);
	}
}

static const uint8_t update[] = { 24, 0, 0, 1, 1 };

static struct posthandshake_verdict take(struct posthandshake *ph, uint8_t type, const uint8_t *p,
					 size_t len, uint64_t now)
{
	return posthandshake_take(ph, TLS13, type, p, len, now);
}

/* A message split over records at every place, twice in a row. */
static void split_update(void **state)
{
	struct posthandshake ph = { 0 };

	(void)state;
	for (size_t at = 1; at < sizeof(update); at++) {
		assert_int_equal(take(&ph, RECORD_HANDSHAKE, update, at, 1).action,
				 POSTHANDSHAKE_NONE);
		assert_int_equal(
			take(&ph, RECORD_HANDSHAKE, update + at, sizeof(update) - at, 1).action,
			POSTHANDSHAKE_REKEY_BOTH);
		assert_int_equal(ph.n_partial, 0);
	}
	for (size_t i = 0; i < sizeof(update); i++)
		assert_int_equal(take(&ph, RECORD_HANDSHAKE, update + i, 1, 1).action,
				 i == 4 ? POSTHANDSHAKE_REKEY_BOTH : POSTHANDSHAKE_NONE);
}

/* RFC 8446 5.1: nothing may stand between the pieces, nothing behind the last. */
static void split_by_others(void **state)
{
	static const uint8_t close_notify[] = { 1, 0 };

	(void)state;
	for (size_t at = 1; at < sizeof(update); at++) {
		struct posthandshake ph = { 0 };

		take(&ph, RECORD_HANDSHAKE, update, at, 1);
		assert_int_equal(take(&ph, RECORD_ALERT, close_notify, 2, 1).reason,
				 REASON_UNEXPECTED_MESSAGE);
		ph = (struct posthandshake){ 0 };
		take(&ph, RECORD_HANDSHAKE, update, at, 1);
		assert_int_equal(take(&ph, RECORD_HANDSHAKE, update, sizeof(update), 1).reason,
				 REASON_UNEXPECTED_MESSAGE);
		ph = (struct posthandshake){ 0 };
		take(&ph, RECORD_HANDSHAKE, update, at, 1);
		assert_int_equal(take(&ph, RECORD_HANDSHAKE, update, 0, 1).reason,
				 REASON_UNEXPECTED_MESSAGE);
	}
}

/* Many updates are a flood only if they come quickly. */
static void flood(void **state)
{
	enum { LIMIT = 32 };
	const uint64_t window = UINT64_C(10) * 1000 * NS_PER_MS;
	struct posthandshake ph = { 0 };
	struct posthandshake_verdict v;
	uint64_t now = 5 * window;

	(void)state;
	for (int i = 0; i < LIMIT; i++)
		assert_int_equal(take(&ph, RECORD_HANDSHAKE, update, 5, now + (uint64_t)i).action,
				 POSTHANDSHAKE_REKEY_BOTH);
	v = take(&ph, RECORD_HANDSHAKE, update, 5, now + window);
	assert_int_equal(v.action, POSTHANDSHAKE_END);
	assert_int_equal(v.reason, REASON_KEY_UPDATE_FLOOD);
	assert_int_equal(v.alert, ALERT_UNEXPECTED_MESSAGE);
	ph = (struct posthandshake){ 0 };
	for (int i = 0; i < 100 * LIMIT; i++) {
		now += window / (LIMIT - 1);
		assert_int_equal(take(&ph, RECORD_HANDSHAKE, update, 5, now).action,
				 POSTHANDSHAKE_REKEY_BOTH);
	}
}

/* A warning now and then is nothing, without end it is a flood; key updates are counted apart. */
static void flood_of_warnings(void **state)
{
	enum { LIMIT = 32 };
	const uint64_t window = UINT64_C(10) * 1000 * NS_PER_MS;
	const uint8_t user_canceled[] = { 1, 90 };
	struct posthandshake ph = { 0 };
	struct posthandshake_verdict v;
	uint64_t now = 5 * window;

	(void)state;
	for (int i = 0; i < LIMIT; i++) {
		assert_int_equal(take(&ph, RECORD_ALERT, user_canceled, 2, now).action,
				 POSTHANDSHAKE_NONE);
		assert_int_equal(take(&ph, RECORD_HANDSHAKE, update, 5, now).action,
				 POSTHANDSHAKE_REKEY_BOTH);
	}
	v = take(&ph, RECORD_ALERT, user_canceled, 2, now + window);
	assert_int_equal(v.action, POSTHANDSHAKE_END);
	assert_int_equal(v.reason, REASON_RECORD_FLOOD);
	assert_int_equal(v.alert, ALERT_UNEXPECTED_MESSAGE);
	ph = (struct posthandshake){ 0 };
	for (int i = 0; i < 100 * LIMIT; i++) {
		now += window / (LIMIT - 1);
		assert_int_equal(take(&ph, RECORD_ALERT, user_canceled, 2, now).action,
				 POSTHANDSHAKE_NONE);
	}
}

static void alerts_of_reasons(void **state)
{
	static const struct {
		enum reason reason;
		uint8_t alert;
	} expected[] = {
		{ REASON_NONE, ALERT_NONE },
		{ REASON_CLOSED, ALERT_CLOSE_NOTIFY },
		{ REASON_SHUTDOWN, ALERT_CLOSE_NOTIFY },
		{ REASON_IDLE_TIMEOUT, ALERT_CLOSE_NOTIFY },
		{ REASON_REKEY_UNANSWERABLE, ALERT_CLOSE_NOTIFY },
		{ REASON_KEY_SPENT, ALERT_CLOSE_NOTIFY },
		{ REASON_BAD_RECORD_MAC, ALERT_BAD_RECORD_MAC },
		{ REASON_RECORD_OVERFLOW, ALERT_RECORD_OVERFLOW },
		{ REASON_BAD_RECORD_HEADER, ALERT_UNEXPECTED_MESSAGE },
		{ REASON_UNEXPECTED_MESSAGE, ALERT_UNEXPECTED_MESSAGE },
		{ REASON_KEY_UPDATE_FLOOD, ALERT_UNEXPECTED_MESSAGE },
		{ REASON_RECORD_FLOOD, ALERT_UNEXPECTED_MESSAGE },
		{ REASON_TOTAL_TIMEOUT, ALERT_CLOSE_NOTIFY },
		{ REASON_DRAINED, ALERT_CLOSE_NOTIFY },
		{ REASON_RENEGOTIATION, ALERT_NO_RENEGOTIATION },
		{ REASON_BACKEND_RESET, ALERT_INTERNAL_ERROR },
		{ REASON_INTERNAL, ALERT_INTERNAL_ERROR },
		{ REASON_PEER_RESET, ALERT_NONE },
		{ REASON_PEER_ALERT, ALERT_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_int_equal(posthandshake_alert(expected[i].reason), expected[i].alert);
}

static void messages_of_ours(void **state)
{
	uint8_t bytes[KEY_UPDATE_LEN];

	(void)state;
	posthandshake_put_alert(ALERT_CLOSE_NOTIFY, bytes);
	assert_memory_equal(bytes, "\1\0", ALERT_LEN);
	posthandshake_put_alert(ALERT_NO_RENEGOTIATION, bytes);
	assert_memory_equal(bytes, "\1\144", ALERT_LEN);
	posthandshake_put_alert(ALERT_BAD_RECORD_MAC, bytes);
	assert_memory_equal(bytes, "\2\24", ALERT_LEN);
	posthandshake_put_key_update(bytes);
	assert_memory_equal(bytes, "\30\0\0\1\0", KEY_UPDATE_LEN); /* update_not_requested */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),	     cmocka_unit_test(split_update),
		cmocka_unit_test(split_by_others),   cmocka_unit_test(flood),
		cmocka_unit_test(flood_of_warnings), cmocka_unit_test(alerts_of_reasons),
		cmocka_unit_test(messages_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
