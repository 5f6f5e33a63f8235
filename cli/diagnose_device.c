/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The section on network devices: which can do TLS, and whether that is switched on. */
#include "cli/diagnose.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/reason.h"
#include "base/util.h"
#include "cli/diagnosis.h"

struct feature {
	bool known, supported, wanted, active;
};

static struct feature feature_of(struct json *device, const char *direction)
{
	struct feature feature = { 0 };
	struct json *o;

	if (json_get_object(device, direction, &o))
		return feature;
	feature.known = true;
	(void)json_get_bool(o, "supported", &feature.supported);
	(void)json_get_bool(o, "wanted", &feature.wanted);
	(void)json_get_bool(o, "active", &feature.active);
	return feature;
}

static bool is_usable(const struct feature *feature)
{
	return feature->supported || feature->active;
}

/* "sends", "receives", "sends and receives" or "" */
static const char *does(bool tx, bool rx)
{
	return tx && rx ? "sends and receives" : tx ? "sends" : rx ? "receives" : "";
}

static void switched_off(const char *name, const char *direction, const struct feature *feature,
			 struct diagnosis *report)
{
	char advice[256];

	snprintf(advice, sizeof(advice),
		 "Run 'ethtool -K %s tls-hw-%s-offload on'%s. It holds for new "
		 "connections only.",
		 name, direction,
		 feature->wanted ? "; it was wanted already, so something that it depends on is "
				   "off: see 'ethtool -k' for checksumming" :
				   "");
	diagnosis_add(report, DIAGNOSIS_FINDING, "Devices", advice,
		      "%s could do TLS (%s), and it is switched off", name,
		      !strcmp(direction, "tx") ? "sending" : "receiving");
}

/* Gives whether it can do TLS at all. */
static bool device_look(struct json *device, const char *name, bool asked, struct diagnosis *report)
{
	struct feature tx = feature_of(device, "tx"), rx = feature_of(device, "rx");
	bool up = true;

	(void)json_get_bool(device, "up", &up);
	if (!up && (asked || is_usable(&tx) || is_usable(&rx)))
		diagnosis_add(report, DIAGNOSIS_FINDING, "Devices",
			      diagnosis_advice_for(report, reason_remedy(REASON_DEVICE_DOWN), name),
			      "%s is down", name);
	if (tx.active || rx.active)
		diagnosis_add(report, DIAGNOSIS_OK, "Devices", NULL,
			      "%s %s TLS 1.2 with AES-GCM by itself", name,
			      does(tx.active, rx.active));
	if (tx.supported && !tx.active)
		switched_off(name, "tx", &tx, report);
	if (rx.supported && !rx.active)
		switched_off(name, "rx", &rx, report);
	if (asked && !tx.known)
		diagnosis_add(report, DIAGNOSIS_UNKNOWN, "Devices", NULL,
			      "the kernel does not tell what %s can do", name);
	else if (asked && !is_usable(&tx) && !is_usable(&rx))
		diagnosis_add(report, DIAGNOSIS_NOTE, "Devices", NULL,
			      "%s cannot do TLS: the CPU does it", name);
	return is_usable(&tx) || is_usable(&rx);
}

static void absent_look(const struct diagnose_facts *facts, struct diagnosis *report)
{
	const char *error = NULL;

	(void)json_get_string(facts->host, "devices_error", &error);
	diagnosis_add(report, DIAGNOSIS_UNKNOWN, "Devices", NULL, "cannot be listed%s%s",
		      error ? ": " : "", error ? error : "");
}

void diagnose_devices(const struct diagnose_facts *facts, struct diagnosis *report)
{
	struct json *devices, *device;
	bool found = false, usable = false;

	if (!facts->host || json_get_array(facts->host, "devices", &devices)) {
		absent_look(facts, report);
		return;
	}
	for (size_t i = 0; !json_at(devices, i, &device); i++) {
		const char *name = "?";

		(void)json_get_string(device, "name", &name);
		if (facts->device && strcmp(facts->device, name) != 0)
			continue;
		found = true;
		usable |= device_look(device, name, facts->device, report);
	}
	if (facts->device && !found)
		diagnosis_add(report, DIAGNOSIS_FINDING, "Devices",
			      "'ip link' lists the devices of this network namespace.",
			      "there is none named %s", facts->device);
	else if (!facts->device && !usable)
		diagnosis_add(report, DIAGNOSIS_NOTE, "Devices", NULL,
			      "none of the %zu can do TLS: the CPU does it", json_length(devices));
}
