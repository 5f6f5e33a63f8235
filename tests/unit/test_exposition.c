/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of metrics, byte by byte in both formats; and the table it is written from. */
#include "host/exposition.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"

#define LABELS(...) ((const char *const[]){ __VA_ARGS__ })

static void put_everything(struct exposition *x)
{
	static const uint32_t bounds[] = { 5, 1000 };
	static const uint64_t counts[] = { 2, 0, 1 };
	const struct exposition_histogram h = { bounds, counts, 2, 12.25 };

	exposition_put_int(x, METRIC_BUILD_INFO, LABELS("1.0", "wolfSSL \"5\"\n\\"), 1);
	exposition_put(x, METRIC_UPTIME, NULL, 1.5);
	exposition_put_int(x, METRIC_RELOADS, LABELS("ok"), 3);
	exposition_put_int(x, METRIC_RELOADS, LABELS("failed"), UINT64_MAX);
	exposition_put_int(x, METRIC_PROBE_ULP, NULL, 0);
	exposition_put_histogram(x, METRIC_HANDSHAKE_DURATION, LABELS("1.3", "no"), &h);
	exposition_put(x, METRIC_PROCESS_CPU, NULL, 1795892401.25);
}

static void expect(enum exposition_format format, const char *text)
{
	struct exposition x;

	exposition_init(&x, format);
	put_everything(&x);
	assert_int_equal(exposition_end(&x), 0);
	assert_int_equal(x.len, strlen(text));
	assert_memory_equal(x.text, text, x.len);
	exposition_fini(&x);
}

#define BUILD_SAMPLE \
	"ktlsd_build_info{version=\"1.0\",crypto_library=\"wolfSSL \\\"5\\\"\\n\\\\\"} 1\n"
#define UPTIME_HELP \
	"Since the server process serves. All counters begin there, except those of the kernel.\n"
#define RELOAD_HELP "Reloads of the configuration; a failed one left the former in force.\n"
#define RELOAD_SAMPLES                                  \
	"ktlsd_config_reloads_total{result=\"ok\"} 3\n" \
	"ktlsd_config_reloads_total{result=\"failed\"} 18446744073709551615\n"
#define DURATION_HELP                                                                          \
	"From accept to the end of the handshake, network and client included, of those that " \
	"succeeded.\n"
#define DURATION_SAMPLES                                                                        \
	"ktlsd_handshake_duration_seconds_bucket{version=\"1.3\",resumed=\"no\",le=\"0.005\"} " \
	"2\n"                                                                                   \
	"ktlsd_handshake_duration_seconds_bucket{version=\"1.3\",resumed=\"no\",le=\"1.0\"} "   \
	"2\n"                                                                                   \
	"ktlsd_handshake_duration_seconds_bucket{version=\"1.3\",resumed=\"no\",le=\"+Inf\"} "  \
	"3\n"                                                                                   \
	"ktlsd_handshake_duration_seconds_sum{version=\"1.3\",resumed=\"no\"} 12.25\n"          \
	"ktlsd_handshake_duration_seconds_count{version=\"1.3\",resumed=\"no\"} 3\n"
#define CPU_HELP "User and system CPU time of the server process.\n"

static void test_text(void **state)
{
	(void)state;
	expect(EXPOSITION_TEXT,
	       "# HELP ktlsd_build_info Version of ktlsd and of the TLS library in it.\n"
	       "# TYPE ktlsd_build_info gauge\n" BUILD_SAMPLE
	       "# HELP ktlsd_uptime_seconds " UPTIME_HELP "# TYPE ktlsd_uptime_seconds gauge\n"
	       "ktlsd_uptime_seconds 1.5\n"
	       "# HELP ktlsd_config_reloads_total " RELOAD_HELP "# TYPE ktlsd_config_reloads_total "
	       "counter\n" RELOAD_SAMPLES "# HELP ktlsd_probe_ulp 1 if this kernel takes TCP_ULP "
	       "\"tls\"; 0: nothing can be "
	       "in the kernel.\n"
	       "# TYPE ktlsd_probe_ulp gauge\n"
	       "ktlsd_probe_ulp 0\n"
	       "# HELP ktlsd_handshake_duration_seconds " DURATION_HELP "# TYPE "
	       "ktlsd_handshake_duration_"
	       "seconds "
	       "histogram"
	       "\n" DURATION_SAMPLES "# HELP process_cpu_seconds_total " CPU_HELP "# TYPE "
	       "process_cpu_"
	       "seconds_total "
	       "counter\n"
	       "process_cpu_seconds_total 1795892401.25\n");
}

static void test_openmetrics(void **state)
{
	(void)state;
	expect(EXPOSITION_OPENMETRICS,
	       "# HELP ktlsd_build Version of ktlsd and of the TLS library in it.\n"
	       "# TYPE ktlsd_build info\n" BUILD_SAMPLE "# HELP ktlsd_uptime_seconds " UPTIME_HELP
	       "# TYPE ktlsd_uptime_seconds gauge\n"
	       "# UNIT ktlsd_uptime_seconds seconds\n"
	       "ktlsd_uptime_seconds 1.5\n"
	       "# HELP ktlsd_config_reloads " RELOAD_HELP "# TYPE ktlsd_config_reloads "
	       "counter\n" RELOAD_SAMPLES "# HELP ktlsd_probe_ulp 1 if this kernel takes TCP_ULP "
	       "\\\"tls\\\"; 0: nothing can "
	       "be "
	       "in the kernel.\n"
	       "# TYPE ktlsd_probe_ulp gauge\n"
	       "ktlsd_probe_ulp 0\n"
	       "# HELP ktlsd_handshake_duration_seconds " DURATION_HELP "# TYPE "
	       "ktlsd_handshake_duration_"
	       "seconds histogram\n"
	       "# UNIT ktlsd_handshake_duration_seconds seconds\n" DURATION_SAMPLES
	       "# HELP process_cpu_seconds " CPU_HELP "# TYPE process_cpu_seconds counter\n"
	       "# UNIT process_cpu_seconds seconds\n"
	       "process_cpu_seconds_total 1795892401.25\n"
	       "# EOF\n");
}

/* What would not end is no text at all. */
static void test_bounded(void **state)
{
	struct exposition x;

	(void)state;
	exposition_init(&x, EXPOSITION_TEXT);
	for (int i = 0; i < 1000000 && !x.err; i++)
		exposition_put_int(&x, METRIC_RELOADS, LABELS("ok"), 1);
	assert_int_equal(exposition_end(&x), -E2BIG);
	assert_true(x.room <= EXPOSITION_MAX);
	exposition_fini(&x);
}

static void test_choose(void **state)
{
	static const struct {
		const char *accept;
		enum exposition_format format;
	} cases[] = {
		{ NULL, EXPOSITION_TEXT },
		{ "", EXPOSITION_TEXT },
		{ "*/*", EXPOSITION_TEXT },
		{ "text/html, */*;q=0.8", EXPOSITION_TEXT },
		{ "application/openmetrics-text", EXPOSITION_OPENMETRICS },
		{ "Application/OpenMetrics-Text ; version=1.0.0", EXPOSITION_OPENMETRICS },
		{ "application/openmetrics-text;version=2.0.0, text/plain;q=0.1", EXPOSITION_TEXT },
		{ "application/openmetrics-text;q=0, */*", EXPOSITION_TEXT },
		{ "application/openmetrics-text;q=0", EXPOSITION_TEXT },
		{ "text/plain, application/openmetrics-text;q=0.9", EXPOSITION_TEXT },
		{ "text/plain;q=0.9,application/openmetrics-text;q=0.95", EXPOSITION_OPENMETRICS },
		/* Prometheus 2 */
		{ "application/openmetrics-text;version=1.0.0,application/"
		  "openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  EXPOSITION_OPENMETRICS },
		{ ",;,;;q=,q=1;version=", EXPOSITION_TEXT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(exposition_choose(cases[i].accept), cases[i].format);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);

	return len >= strlen(end) && !strcmp(text + len - strlen(end), end);
}

static void test_table(void **state)
{
	(void)state;
	for (int m = 0; m < METRIC_COUNT; m++) {
		const struct metric_row *row = metric_row((enum metric)m);
		char unit[32];

		assert_true(row->help[strlen(row->help) - 1] == '.');
		assert_int_equal(ends_with(row->name, "_total"), row->type == METRIC_TYPE_COUNTER);
		assert_int_equal(ends_with(row->name, "_info"), row->type == METRIC_TYPE_INFO);
		snprintf(unit, sizeof(unit), "_%s%s", row->unit,
			 row->type == METRIC_TYPE_COUNTER ? "_total" : "");
		if (*row->unit)
			assert_true(ends_with(row->name, unit));
		for (int other = 0; other < m; other++)
			assert_string_not_equal(metric_row((enum metric)other)->name, row->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_bounded), cmocka_unit_test(test_choose),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
