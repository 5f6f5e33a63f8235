/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first sections of the report: the kernel, its crypto, ktlsd and its kernel programs. */
#include "cli/diagnose.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/reason.h"
#include "base/util.h"
#include "cli/diagnosis.h"
#include "cli/driver.h"
#include "cli/text.h"

/* "" when it is not known */
static const char *string_of(struct json *object, const char *key)
{
	const char *value = "";

	if (object)
		(void)json_get_string(object, key, &value);
	return value;
}

static bool is_true(struct json *object, const char *key)
{
	bool value = false;

	if (object)
		(void)json_get_bool(object, key, &value);
	return value;
}

static void module_look(const struct diagnose_facts *facts, struct diagnosis *report)
{
	const char *module = string_of(facts->host, "module");

	if (!strcmp(module, "loaded"))
		diagnosis_add(report, DIAGNOSIS_OK, "Module tls", NULL,
			      "loaded: programs can ask for kernel TLS");
	else if (!strcmp(module, "available"))
		diagnosis_add(report, DIAGNOSIS_FINDING, "Module tls",
			      "Run 'modprobe tls', and list 'tls' in "
			      "/etc/modules-load.d/ktlsd.conf.",
			      "not loaded: no program without privilege can use kernel TLS");
	else if (!strcmp(module, "missing"))
		diagnosis_add(report, DIAGNOSIS_FINDING, "Module tls",
			      "Use a kernel with CONFIG_TLS.",
			      "this kernel has none: nothing can use kernel TLS");
	else
		diagnosis_add(report, DIAGNOSIS_UNKNOWN, "Module tls", NULL, "not known");
}

/* Appends "1.3 aes-ccm-128 tx (ENOENT)". */
static void refusal_append(FILE *out, struct json *result)
{
	const char *error = string_of(result, "data_errno");

	fprintf(out, "%s%s %s %s%s%s%s", ftell(out) ? ", " : "", string_of(result, "version"),
		string_of(result, "cipher"), string_of(result, "direction"), *error ? " (" : "",
		error, *error ? ")" : "");
}

/* Which of the probe's cells passed data: how many, of how many, and those that did not. */
static char *refusals_list(struct json *results, int *passed)
{
	char *text = NULL;
	struct json *result;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	*passed = 0;
	if (!out)
		return NULL;
	for (size_t i = 0; !json_at(results, i, &result); i++) {
		if (!strcmp(string_of(result, "data"), "yes"))
			++*passed;
		else if (!strcmp(string_of(result, "data"), "no"))
			refusal_append(out, result);
	}
	return fclose(out) ? NULL : text;
}

static void cells_look(struct json *probe, struct diagnosis *report)
{
	_cleanup_free_ char *refused = NULL;
	struct json *results = NULL;
	int passed;

	(void)json_get_array(probe, "results", &results);
	refused = refusals_list(results, &passed);
	if (!passed)
		diagnosis_add(report, DIAGNOSIS_FINDING, "Probe",
			      "'ktlsctl probe' shows the errno of each; the crypto "
			      "drivers "
			      "may be missing.",
			      "the kernel takes keys of no version and cipher");
	else
		diagnosis_add(report, DIAGNOSIS_OK, "Probe", NULL,
			      "%d of %zu combinations of version, cipher and direction carried "
			      "real "
			      "records",
			      passed, json_length(results));
	if (passed && refused && *refused)
		diagnosis_add(report, DIAGNOSIS_NOTE, "Probe", NULL, "refused: %s", refused);
	if (passed && !is_true(probe, "rekey"))
		diagnosis_add(report, DIAGNOSIS_NOTE, "Probe", NULL,
			      "keys of a running connection cannot be replaced (Linux 6.14 and "
			      "later "
			      "can), so with 'auto' TLS 1.3 is received in user space");
}

static void probe_look(const struct diagnose_facts *facts, struct diagnosis *report)
{
	const char *error, *driver = string_of(facts->probe, "aes_driver");

	if (!facts->probe) {
		diagnosis_add(report, DIAGNOSIS_UNKNOWN, "Probe", NULL, "could not be run");
		return;
	}
	error = string_of(facts->probe, "ulp_errno");
	if (!is_true(facts->probe, "ulp")) {
		/* no module is said already */
		diagnosis_add(report, DIAGNOSIS_FINDING, "Probe",
			      strcmp(error, "ENOENT") != 0 ?
				      reason_remedy(REASON_KTLS_ULP_REFUSED) :
				      NULL,
			      "TCP_ULP \"tls\" is refused%s%s", *error ? " with " : "", error);
		return;
	}
	cells_look(facts->probe, report);
	if (driver_is_slow(driver))
		diagnosis_add(report, DIAGNOSIS_FINDING, "AES driver", driver_advice(),
			      "%s: generic C code, several times slower than user space", driver);
	else if (*driver)
		diagnosis_add(report, DIAGNOSIS_OK, "AES driver", NULL, "%s", driver);
	else
		diagnosis_add(report, DIAGNOSIS_UNKNOWN, "AES driver", NULL,
			      "/proc/crypto names none yet");
}

void diagnose_kernel(const struct diagnose_facts *facts, struct diagnosis *report)
{
	const char *kernel = string_of(facts->host, "kernel");
	bool handshake;

	if (*kernel)
		diagnosis_add(report, DIAGNOSIS_NOTE, "Kernel", NULL, "%s", kernel);
	module_look(facts, report);
	probe_look(facts, report);
	if (facts->host && !json_get_bool(facts->host, "handshake", &handshake))
		diagnosis_add(report, DIAGNOSIS_NOTE, "Handshakes", NULL,
			      handshake ? "the kernel has its handshake service; NFS and NVMe/TCP "
					  "use it by tlshd, other programs do not need it" :
					  "the kernel has no handshake service: NFS and NVMe/TCP "
					  "cannot use TLS, other programs do not need it");
}

static void policy_look(const struct diagnose_facts *facts, struct diagnosis *report)
{
	struct json *listeners, *listener;

	if (!facts->listener || json_get_array(facts->status, "listeners", &listeners))
		return;
	for (size_t i = 0; !json_at(listeners, i, &listener); i++) {
		const char *tx = string_of(listener, "tx"), *rx = string_of(listener, "rx");
		bool off = !strcmp(tx, "off") || !strcmp(rx, "off");

		if (strcmp(string_of(listener, "name"), facts->listener) != 0)
			continue;
		diagnosis_add(report, off ? DIAGNOSIS_FINDING : DIAGNOSIS_OK, "Listener",
			      off ? reason_remedy(REASON_POLICY_OFF) : NULL,
			      "%s: policy %s to send, %s to receive%s", facts->listener, tx, rx,
			      is_true(listener, "overridden") ? ", overridden by ktlsctl policy" :
								"");
		return;
	}
	diagnosis_add(report, DIAGNOSIS_FINDING, "Listener",
		      "'ktlsctl policy' lists the listeners.", "there is none named %s",
		      facts->listener);
}

static void observer_look(const struct observer *observer, struct diagnosis *report)
{
	const char *detail = observer->detail ? observer->detail : "";

	if (!observer->available) {
		diagnosis_add(report, DIAGNOSIS_FINDING, "Observer",
			      "'ktlsctl observe' and the log of ktlsd say more. It "
			      "needs a "
			      "kernel with BTF, and CAP_SYS_ADMIN at the start.",
			      "does not work (%s%s%s): sockets of other programs cannot be seen",
			      observer->reason ? observer->reason : "no reason given",
			      *detail ? ": " : "", detail);
		return;
	}
	if (observer->waiting_for_tls)
		diagnosis_add(report, DIAGNOSIS_NOTE, "Observer", NULL,
			      "its probes wait for the module tls");
	else if (observer->n_attached < json_length(observer->programs))
		diagnosis_add(report, DIAGNOSIS_FINDING, "Observer",
			      "'ktlsctl observe' names them and says why.",
			      "%zu of %zu programs are attached: what the others see is missing",
			      observer->n_attached, json_length(observer->programs));
	else if (observer->programs)
		diagnosis_add(report, DIAGNOSIS_OK, "Observer", NULL,
			      "works, %zu programs attached", observer->n_attached);
	else
		diagnosis_add(report, DIAGNOSIS_OK, "Observer", NULL, "works");
	if (observer->lost > 0 || observer->forgotten > 0)
		diagnosis_add(
			report, DIAGNOSIS_FINDING, "Observer",
			"Nothing for single cases; else 'ktlsctl stats' shows what "
			"happens so often.",
			"%s were lost and %s forgotten",
			text_plural(observer->lost > 0 ? observer->lost : 0, "event").s,
			text_plural(observer->forgotten > 0 ? observer->forgotten : 0, "socket").s);
}

void diagnose_daemon(const struct diagnose_facts *facts, struct diagnosis *report)
{
	if (!facts->status)
		diagnosis_add(report, DIAGNOSIS_UNKNOWN, "ktlsd", NULL,
			      "does not answer: listeners, past events and counts are not known");
	else
		diagnosis_add(report, DIAGNOSIS_OK, "ktlsd", NULL, "%s runs",
			      string_of(facts->status, "version"));
	if (facts->status)
		policy_look(facts, report);
	if (facts->has_observer)
		observer_look(&facts->observer, report);
}
