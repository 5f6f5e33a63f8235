/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsctl probe: what this kernel can carry, as it was measured. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/reason.h"
#include "base/util.h"
#include "cli/client.h"
#include "cli/column.h"
#include "cli/commands.h"
#include "cli/driver.h"
#include "cli/probe_local.h"
#include "cli/remedy.h"
#include "cli/table.h"
#include "cli/text.h"

enum { INDENT = 14 };

/* A row is a version and a cipher; both directions stand side by side. */
static const struct column columns[] = {
	{ "version", COLUMN_TEXT, "version", NULL, 0, COLUMN_DEFAULT, "TLS version" },
	{ "cipher", COLUMN_TEXT, "cipher", NULL, 0, COLUMN_DEFAULT, "cipher" },
	{ "tx", COLUMN_VERDICT, "tx_data", NULL, 0, COLUMN_DEFAULT,
	  "the kernel sends data that a peer can read; after no comes the errno" },
	{ "rx", COLUMN_VERDICT, "rx_data", NULL, 0, COLUMN_DEFAULT,
	  "the kernel receives data and hands it out" },
	{ "tx-rekey", COLUMN_VERDICT, "tx_rekey", NULL, 0, COLUMN_DEFAULT,
	  "sending keys of a running connection can be replaced" },
	{ "rx-rekey", COLUMN_VERDICT, "rx_rekey", NULL, 0, COLUMN_DEFAULT,
	  "receiving keys of a running connection can be replaced" },
	{ "tx-zerocopy", COLUMN_VERDICT, "tx_zerocopy", NULL, 0, COLUMN_DEFAULT,
	  "TLS_TX_ZEROCOPY_RO: sendfile without a copy, for devices" },
	{ "rx-no-pad", COLUMN_VERDICT, "rx_nopad", NULL, 0, COLUMN_DEFAULT,
	  "TLS_RX_EXPECT_NO_PAD: TLS 1.3 records decrypted in place" },
	{ "tx-max-payload", COLUMN_VERDICT, "tx_max_payload", NULL, 0, COLUMN_DEFAULT,
	  "TLS_TX_MAX_PAYLOAD_LEN: the length of records can be limited" },
};

static const struct listing matrix = {
	.name = "matrix",
	.empty = "Nothing was probed.",
	.columns = columns,
	.n_columns = ARRAY_SIZE(columns),
};

/* What is probed in each direction: its key in a result, and in a row after the direction. */
static const char *const features[] = { "data", "rekey", "zerocopy", "nopad", "max_payload" };

/* The row of a version and cipher, made when it is new: 0 or an error. */
static int row_find(struct json *rows, const char *version, const char *cipher, struct json **row)
{
	struct json *made;
	size_t i;

	for (i = 0; i < json_length(rows); i++) {
		const char *v = "", *c = "";
		int r = json_at(rows, i, row);

		if (r)
			return r;
		(void)json_get_string(*row, "version", &v);
		(void)json_get_string(*row, "cipher", &c);
		if (!strcmp(v, version) && !strcmp(c, cipher))
			return 0;
	}
	made = json_new();
	json_set_string(made, "version", version);
	json_set_string(made, "cipher", cipher);
	json_append(rows, made);
	return json_at(rows, i, row) ? -ENOMEM : 0;
}

/* "yes", "no ENOENT", or "" for what was not tried: 0 or -EINVAL. */
static int verdict_print(struct json *result, const char *feature, char *cell, size_t size)
{
	const char *verdict = "skipped", *error = "";
	char key[32];
	int r = json_get_string(result, feature, &verdict);

	snprintf(key, sizeof(key), "%s_errno", feature);
	if (r != -EINVAL)
		r = json_get_string(result, key, &error);
	snprintf(cell, size, "%s%s%s", strcmp(verdict, "skipped") != 0 ? verdict : "",
		 *error ? " " : "", error);
	return r == -EINVAL ? r : 0;
}

/* Puts one result into the row that it shares with the other direction. */
static int result_take(struct json *rows, struct json *result)
{
	const char *version, *cipher, *direction;
	struct json *row;
	int r;

	if (json_get_string(result, "version", &version))
		return json_complain_missing(result, "version");
	if (json_get_string(result, "cipher", &cipher))
		return json_complain_missing(result, "cipher");
	if (json_get_string(result, "direction", &direction))
		return json_complain_missing(result, "direction");
	r = row_find(rows, version, cipher, &row);
	for (size_t i = 0; i < ARRAY_SIZE(features) && !r; i++) {
		char key[64], cell[64];

		r = verdict_print(result, features[i], cell, sizeof(cell));
		snprintf(key, sizeof(key), "%s_%s", direction, features[i]);
		if (!r && *cell)
			json_set_string(row, key, cell);
	}
	return r;
}

/* True if some result passed data. */
static bool carries_anything(struct json *results)
{
	struct json *result;

	for (size_t i = 0; !json_at(results, i, &result); i++) {
		const char *verdict = "";

		(void)json_get_string(result, "data", &verdict);
		if (!strcmp(verdict, "yes"))
			return true;
	}
	return false;
}

static int matrix_print(const struct options *options, struct json *results)
{
	_cleanup_table_ struct table *table = table_new(&matrix, options);
	_cleanup_json_ struct json *rows = json_new_array();
	struct json *item;
	int r = 0;

	if (!table)
		return -ECANCELED;
	for (size_t i = 0; i < json_length(results) && !r; i++) {
		r = json_at(results, i, &item);
		if (!r)
			r = result_take(rows, item);
	}
	for (size_t i = 0; i < json_length(rows) && !r; i++) {
		r = json_at(rows, i, &item);
		if (!r)
			r = table_add(table, item);
	}
	return r ? r : table_print(table);
}

static void ulp_print(struct json *report, bool ulp)
{
	const char *error = NULL;

	(void)json_get_string(report, "ulp_errno", &error);
	if (ulp) {
		text_field("kTLS", STYLE_GOOD, "yes");
		return;
	}
	text_field("kTLS", STYLE_BAD, "no%s%s", error ? ": TCP_ULP \"tls\" is refused with " : "",
		   error ? error : "");
	remedy_print_advice(INDENT, error && strcmp(error, "ENOENT") != 0 ?
					    reason_name(REASON_KTLS_ULP_REFUSED) :
					    reason_name(REASON_KTLS_NO_ULP));
}

static void facts_print(struct json *report, bool ulp)
{
	const char *kernel = "-", *driver = NULL;
	int64_t duration_ms = -1;
	bool rekey = false;

	(void)json_get_string(report, "kernel", &kernel);
	(void)json_get_bool(report, "rekey", &rekey);
	(void)json_get_string(report, "aes_driver", &driver);
	(void)json_get_int(report, "duration_ms", &duration_ms);
	text_field("Kernel", STYLE_BOLD, "%s", kernel);
	ulp_print(report, ulp);
	if (ulp && rekey)
		text_field("Rekey", STYLE_GOOD, "yes: key updates of TLS 1.3 are followed");
	else if (ulp)
		text_field("Rekey", STYLE_WARN,
			   "no: 'auto' leaves TLS 1.3 receiving in user space (Linux 6.14 can)");
	driver_print(driver);
	driver_print_advice(driver);
	if (duration_ms >= 0)
		text_field("Measured", STYLE_PLAIN, "in %s", text_age(duration_ms).s);
	putchar('\n');
}

static int screen_print(const struct options *options, struct json *report, struct json *results,
			bool ulp)
{
	int r;

	if (!(options->given & OPTION_NO_HEADINGS))
		facts_print(report, ulp);
	r = matrix_print(options, results);
	return !r && json_complaint(report) ? -EINVAL : r;
}

static int json_output(struct json *reply)
{
	_cleanup_free_ char *text = json_print(reply);

	if (!text)
		return -ENOMEM;
	puts(text);
	return 0;
}

/* Probes in this process, as this user: what ktlsd would find once it runs. */
static enum exit_code local_get(struct json **reply)
{
	struct json *report = NULL;
	int r;

	text_error("probing this kernel directly");
	r = probe_local_report(&report);
	if (r) {
		text_error("the probe could not run: %s", strerror(-r));
		return EXIT_FAILED;
	}
	*reply = json_new();
	json_set(*reply, "probe", report);
	return EXIT_FINE;
}

/* Asks the daemon, or does it here when there is none that answers this user, and none was named. */
static enum exit_code reply_get(const struct options *options, struct json **reply)
{
	bool fresh = options->given & OPTION_FRESH;
	struct json *parameters = json_new();
	enum exit_code code;

	json_set_bool(parameters, "fresh", fresh);
	code = client_get(options, "Probe", parameters,
			  fresh ? CLIENT_TIMEOUT_LONG_MS : CLIENT_TIMEOUT_MS, reply);
	if (options->given & OPTION_SOCKET)
		return code;
	if (code == EXIT_NO_DAEMON || (code == EXIT_FAILED && client_is_denied(options)))
		return local_get(reply);
	return code;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
	_cleanup_json_ struct json *reply = NULL;
	struct json *report, *results;
	const char *driver = NULL;
	enum exit_code code;
	bool ulp;
	int r;

	(void)argc, (void)argv;
	code = reply_get(options, &reply);
	if (code != EXIT_FINE)
		return code;
	if (json_get_object(reply, "probe", &report) || json_get_bool(report, "ulp", &ulp) ||
	    json_get_array(report, "results", &results))
		return client_complain(options, reply);
	r = options->given & OPTION_JSON ? json_output(reply) :
					   screen_print(options, report, results, ulp);
	if (r == -ENOMEM)
		text_error("out of memory");
	if (r == -EINVAL)
		return client_complain(options, reply);
	if (r)
		return EXIT_FAILED;
	(void)json_get_string(report, "aes_driver", &driver);
	return !ulp || !carries_anything(results) || driver_is_slow(driver) ? EXIT_PROBLEMS :
									      EXIT_FINE;
}

const struct command cmd_probe = {
	.name = "probe",
	.arguments = "",
	.summary = "what this kernel can carry: measured, not assumed",
	.about = "Shows what ktlsd measured with real records: each TLS version and cipher, both "
		 "directions, key updates and options, and the driver that does AES. '-' is what "
		 "was not tried. Where no ktlsd answers this user and --socket names none, "
		 "ktlsctl measures itself.",
	.problems = "the kernel carries no TLS at all, or encrypts AES with generic code",
	.options = OPTION_LISTING | OPTION_FROM | OPTION_FRESH,
	.listing = &matrix,
	.run = run,
};
