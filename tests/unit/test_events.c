/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept of events, how they are told, and the programs' state from process to process. */
#include "host/events.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/util.h"
#include "host/programs_state.h"
#include "host/report.h"

static void the_oldest_are_forgotten(void **state)
{
	struct events e;

	assert_int_equal(events_init(&e, NULL), 0);
	assert_int_equal(events_first(&e), 0);
	assert_null(events_at(&e, 0));
	for (uint64_t i = 0; i < EVENTS_KEPT + 10; i++)
		events_add(&e, &(struct ktls_event){ .cookie = i });
	assert_int_equal(events_first(&e), 10);
	assert_null(events_at(&e, 9));
	assert_int_equal(events_at(&e, 10)->cookie, 10);
	assert_int_equal(events_at(&e, EVENTS_KEPT + 9)->cookie, EVENTS_KEPT + 9);
	assert_null(events_at(&e, EVENTS_KEPT + 10));
	assert_int_equal(events_next_deadline(&e), UINT64_MAX);
	events_fini(&e);
	(void)state;
}

/* The row without the time, which is the clock's. */
static void assert_tells(const struct ktls_event *e, const char *expected)
{
	_cleanup_json_ struct json *o = report_event(e);
	_cleanup_free_ char *text = json_print(o);

	assert_non_null(text);
	assert_string_equal(strchr(text, ',') + 1, expected);
}

static void events_have_a_reason(void **state)
{
	struct ktls_event e = { .event = KTLS_EVENT_ULP, .error = ENOENT, .direction = KTLS_BOTH };

	assert_tells(&e, "\"event\":\"ulp\",\"error\":\"ENOENT\",\"reason\":\"ktls-no-ulp\"}");
	e.error = EPERM;
	assert_tells(&e, "\"event\":\"ulp\",\"error\":\"EPERM\",\"reason\":\"ktls-ulp-refused\"}");
	e = (struct ktls_event){ .event = KTLS_EVENT_DEVICE,
				 .direction = KTLS_TX,
				 .conf = { KTLS_CONF_SW },
				 .version = 0x303,
				 .cipher = 51,
				 .error = EOPNOTSUPP,
				 .offer = KTLS_OFFER_BEFORE_DRIVER,
				 .egress_features = KTLS_EGRESS_KNOWN | KTLS_EGRESS_UP |
						    KTLS_EGRESS_TX_SUPPORTED };
	assert_tells(&e, "\"event\":\"device\",\"direction\":\"tx\",\"mode\":\"kernel\","
			 "\"error\":\"EOPNOTSUPP\",\"reason\":\"device-feature-off\","
			 "\"version\":\"1.2\",\"cipher\":\"aes-gcm-128\"}");
	e.error = EINVAL;
	e.egress_features &= ~KTLS_EGRESS_UP;
	assert_tells(&e, "\"event\":\"device\",\"direction\":\"tx\",\"mode\":\"kernel\","
			 "\"error\":\"EINVAL\",\"reason\":\"device-down\","
			 "\"version\":\"1.2\",\"cipher\":\"aes-gcm-128\"}");
	e.egress_features = 0;
	assert_tells(&e, "\"event\":\"device\",\"direction\":\"tx\",\"mode\":\"kernel\","
			 "\"error\":\"EINVAL\",\"reason\":\"device-no-route\","
			 "\"version\":\"1.2\",\"cipher\":\"aes-gcm-128\"}");
	e.offer = KTLS_OFFER_DRIVER;
	e.error = ENOMEM;
	assert_tells(&e, "\"event\":\"device\",\"direction\":\"tx\",\"mode\":\"kernel\","
			 "\"error\":\"ENOMEM\",\"reason\":\"device-refused\","
			 "\"version\":\"1.2\",\"cipher\":\"aes-gcm-128\"}");
	(void)state;
}

static void a_close_has_its_counts(void **state)
{
	struct ktls_event e = { .event = KTLS_EVENT_CLOSE,
				.direction = KTLS_BOTH,
				.cookie = 17,
				.pid = 4,
				.comm = "nginx",
				.family = AF_INET,
				.local_addr = { 127, 0, 0, 1 },
				.remote_addr = { 127, 0, 0, 2 },
				.local_port = 443,
				.remote_port = 5,
				.records = { 12, 34 },
				.records_known = { 1, 0 },
				.unsent = 1 };

	assert_tells(&e, "\"event\":\"close\",\"cookie\":17,\"process\":{\"pid\":4,\"comm\":"
			 "\"nginx\"},"
			 "\"local\":\"127.0.0.1:443\",\"peer\":\"127.0.0.2:5\",\"tx_records\":12,"
			 "\"unsent\":true}");
	(void)state;
}

static void time_is_of_the_wall_clock(void **state)
{
	struct ktls_event e = { .event = KTLS_EVENT_ULP };
	_cleanup_json_ struct json *o = NULL;
	const char *text;
	struct timespec boot;
	struct tm tm = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &boot);
	e.time_ns = (uint64_t)boot.tv_sec * UINT64_C(1000000000) + (uint64_t)boot.tv_nsec;
	o = report_event(&e);
	assert_int_equal(json_get_string(o, "time", &text), 0);
	assert_int_equal(strlen(text), strlen("2026-11-28T19:02:51.000Z"));
	assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%S", &tm));
	assert_in_range(time(NULL) - timegm(&tm) + 1, 0, 3);
	(void)state;
}

static void state_goes_from_process_to_process(void **state)
{
	struct programs_state in = { .stage = PROGRAMS_LOADED, .n = 1, .since_ns = 5 }, out;
	int fd;

	strcpy(in.programs[0].name, "ktls_close");
	fd = programs_state_pack(&in);
	assert_true(fd >= 0);
	assert_int_equal(programs_state_unpack(fd, &out), 0);
	assert_memory_equal(&in, &out, sizeof(in));
	assert_int_equal(ftruncate(fd, sizeof(in) - 1), 0);
	assert_int_equal(programs_state_unpack(fd, &out), -EPROTO);
	close(fd);
	(void)state;
}

static void refuse(const struct programs_state *bad)
{
	struct programs_state out;
	int fd = programs_state_pack(bad);

	assert_int_equal(programs_state_unpack(fd, &out), -EPROTO);
	assert_int_equal(out.n, 0);
	close(fd);
}

static void unsound_state_is_refused(void **state)
{
	const struct programs_state good = { .stage = PROGRAMS_LOADED, .n = 1 };
	struct programs_state bad = good;

	bad.n = PROGRAMS_MAX + 1;
	refuse(&bad);
	bad = good;
	bad.stage = PROGRAMS_N_STAGES;
	refuse(&bad);
	bad = good;
	memset(bad.text, 'x', sizeof(bad.text));
	refuse(&bad);
	bad = good;
	memset(bad.programs[0].name, 'x', sizeof(bad.programs[0].name));
	refuse(&bad);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_are_forgotten),
		cmocka_unit_test(events_have_a_reason),
		cmocka_unit_test(a_close_has_its_counts),
		cmocka_unit_test(time_is_of_the_wall_clock),
		cmocka_unit_test(state_goes_from_process_to_process),
		cmocka_unit_test(unsound_state_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
