/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decides why a direction is not on the network device, after net/tls/tls_device.c of Linux 6.1 to
 * 7.3; must not know where the facts come from. */
#include "bpf/offload.h"

#include <errno.h>
#include <linux/tls.h>
#include <linux/types.h>

#include "base/suite.h"
#include "bpf/event.h"

/* The kernel's own list, which it asks for sending only: to receive, the driver decides. */
static bool cipher_is_refused(const struct offload_facts *f)
{
	return f->direction == TX && f->cipher != TLS_CIPHER_AES_GCM_128 &&
	       f->cipher != TLS_CIPHER_AES_GCM_256;
}

static bool version_is_refused(const struct offload_facts *f)
{
	return f->version == TLS13;
}

/*
 * What stands in the way whatever happened when the keys came in. What cannot be repaired comes
 * first: nobody shall switch on a feature for TLS 1.3.
 */
static enum reason explain_standing(const struct offload_facts *f)
{
	if (f->supported == OFFLOAD_NO)
		return REASON_DEVICE_NO_FEATURE;
	if (version_is_refused(f))
		return REASON_DEVICE_VERSION;
	if (cipher_is_refused(f))
		return REASON_DEVICE_CIPHER;
	if (f->supported == OFFLOAD_YES && f->active == OFFLOAD_NO)
		return REASON_DEVICE_FEATURE_OFF;
	return REASON_DEVICE_NOT_SEEN;
}

/* The feature was off, or the version is not 1.2; or the device went down before, so that its
 * routes led to one that can do nothing. */
static enum reason explain_unsupported(const struct offload_facts *f)
{
	if (f->supported == OFFLOAD_NO)
		return REASON_DEVICE_NO_FEATURE;
	if (version_is_refused(f))
		return REASON_DEVICE_VERSION;
	if (f->supported == OFFLOAD_UNKNOWN && f->device_up == OFFLOAD_NO)
		return REASON_DEVICE_DOWN;
	/* Also when it is on now: the kernel said that it was not. */
	return f->supported == OFFLOAD_YES ? REASON_DEVICE_FEATURE_OFF : REASON_DEVICE_NOT_SEEN;
}

/* No route, a cipher that is not for devices, or a device that is down. */
static enum reason explain_invalid(const struct offload_facts *f)
{
	if (f->device_found == OFFLOAD_NO)
		return REASON_DEVICE_NO_ROUTE;
	if (cipher_is_refused(f))
		return REASON_DEVICE_CIPHER;
	if (f->device_up == OFFLOAD_NO)
		return REASON_DEVICE_DOWN;
	return REASON_DEVICE_NOT_SEEN;
}

static enum reason explain_software(const struct offload_facts *f)
{
	/* EEXIST is a key update, which Linux 6.14 and later offer to the device to no avail. */
	if (!f->attempt_seen || !f->attempt_errno || f->attempt_errno == EEXIST)
		return explain_standing(f);
	if (f->driver_reached)
		return REASON_DEVICE_REFUSED;
	switch (f->attempt_errno) {
	case EOPNOTSUPP:
		return explain_unsupported(f);
	case EINVAL:
		return explain_invalid(f);
	default:
		return REASON_DEVICE_CRYPTO;
	}
}

enum reason offload_explain(const struct offload_facts *f)
{
	switch (f->conf) {
	case KTLS_CONF_BASE:
		return f->key_errno ? REASON_KTLS_KEY_REFUSED : REASON_KTLS_NO_KEY;
	case KTLS_CONF_SW:
		return explain_software(f);
	case KTLS_CONF_HW:
		if (f->degraded)
			return REASON_DEVICE_LOST;
		if (f->direction == TX && f->packets_elsewhere)
			return REASON_DEVICE_OTHER_EGRESS;
		return REASON_NONE;
	default: /* KTLS_CONF_HW_RECORD */
		return REASON_NONE;
	}
}
