/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a direction is not on the network device: every answer, from facts as kernels give them. */
#include "bpf/offload.h"

#include <errno.h>
#include <linux/tls.h>
#include <linux/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/util.h"
#include "bpf/event.h"

struct row {
	const char *what;
	struct offload_facts facts;
	enum reason reason;
};

#define SOFTWARE(dir, v, c) \
	.direction = (dir), .conf = KTLS_CONF_SW, .version = (v), .cipher = TLS_CIPHER_##c
#define GCM(dir) SOFTWARE(dir, 0x0303, AES_GCM_128) /* what a device could have */
#define GCM13(dir) SOFTWARE(dir, 0x0304, AES_GCM_128)
#define CHACHA(dir) SOFTWARE(dir, 0x0303, CHACHA20_POLY1305)
#define ABLE .supported = OFFLOAD_YES, .active = OFFLOAD_YES
#define SWITCHED_OFF .supported = OFFLOAD_YES, .active = OFFLOAD_NO
#define UNABLE .supported = OFFLOAD_NO, .active = OFFLOAD_NO
#define THERE .device_found = OFFLOAD_YES, .device_up = OFFLOAD_YES
#define SEEN(error) .attempt_seen = true, .attempt_errno = (error)

static const struct row on_device[] = {
	{ "sending", { .direction = TX, .conf = KTLS_CONF_HW }, REASON_NONE },
	{ "receiving", { .direction = RX, .conf = KTLS_CONF_HW }, REASON_NONE },
	{ "a TCP offload engine", { .direction = TX, .conf = KTLS_CONF_HW_RECORD }, REASON_NONE },
	{ "the device went down",
	  { .direction = TX, .conf = KTLS_CONF_HW, .degraded = true, .packets_elsewhere = 9 },
	  REASON_DEVICE_LOST },
	{ "... to receive",
	  { .direction = RX, .conf = KTLS_CONF_HW, .degraded = true },
	  REASON_DEVICE_LOST },
	{ "left through another device",
	  { .direction = TX, .conf = KTLS_CONF_HW, .packets_elsewhere = 1 },
	  REASON_DEVICE_OTHER_EGRESS },
	{ "... which says nothing of receiving",
	  { .direction = RX, .conf = KTLS_CONF_HW, .packets_elsewhere = 1 },
	  REASON_NONE },
};

static const struct row without_key[] = {
	{ "none given", { .direction = RX, .conf = KTLS_CONF_BASE }, REASON_KTLS_NO_KEY },
	{ "none given, the other direction was lost",
	  { .direction = RX, .conf = KTLS_CONF_BASE, .degraded = true },
	  REASON_KTLS_NO_KEY },
	{ "refused",
	  { .direction = TX, .conf = KTLS_CONF_BASE, .key_errno = EINVAL },
	  REASON_KTLS_KEY_REFUSED },
};

/* The program was not there when the keys came in. */
static const struct row unseen[] = {
	{ "nothing known", { GCM(TX) }, REASON_DEVICE_NOT_SEEN },
	{ "no feature", { GCM(TX), UNABLE }, REASON_DEVICE_NO_FEATURE },
	{ "an errno that nobody saw",
	  { GCM(TX), UNABLE, .attempt_errno = EINVAL },
	  REASON_DEVICE_NO_FEATURE },
	{ "feature off", { GCM(TX), SWITCHED_OFF }, REASON_DEVICE_FEATURE_OFF },
	{ "feature off, to receive", { GCM(RX), SWITCHED_OFF }, REASON_DEVICE_FEATURE_OFF },
	{ "not active, nobody knows whether it could be",
	  { GCM(TX), .active = OFFLOAD_NO },
	  REASON_DEVICE_NOT_SEEN },
	{ "everything is fine now", { GCM(TX), ABLE, THERE }, REASON_DEVICE_NOT_SEEN },
	{ "fine but for a driver that nobody asked",
	  { CHACHA(RX), ABLE, THERE },
	  REASON_DEVICE_NOT_SEEN },
	{ "TLS 1.3", { GCM13(TX), ABLE }, REASON_DEVICE_VERSION },
	{ "TLS 1.3, device unknown", { GCM13(RX) }, REASON_DEVICE_VERSION },
	{ "TLS 1.3, no feature", { GCM13(TX), UNABLE }, REASON_DEVICE_NO_FEATURE },
	{ "TLS 1.3, feature off: switching it on would not help",
	  { GCM13(TX), SWITCHED_OFF },
	  REASON_DEVICE_VERSION },
	{ "ChaCha20", { CHACHA(TX), ABLE }, REASON_DEVICE_CIPHER },
	{ "ChaCha20, feature off", { CHACHA(TX), SWITCHED_OFF }, REASON_DEVICE_CIPHER },
	{ "CCM", { SOFTWARE(TX, 0x0303, AES_CCM_128) }, REASON_DEVICE_CIPHER },
	{ "AES-256-GCM is none of these",
	  { SOFTWARE(TX, 0x0303, AES_GCM_256), ABLE },
	  REASON_DEVICE_NOT_SEEN },
	{ "no route and down are of no moment now",
	  { GCM(TX), ABLE, .device_found = OFFLOAD_NO, .device_up = OFFLOAD_NO },
	  REASON_DEVICE_NOT_SEEN },
};

static const struct row refused[] = {
	{ "the driver",
	  { GCM(TX), ABLE, THERE, SEEN(ENOMEM), .driver_reached = true },
	  REASON_DEVICE_REFUSED },
	{ "the driver, in the kernel's words",
	  { GCM(RX), ABLE, THERE, SEEN(EOPNOTSUPP), .driver_reached = true },
	  REASON_DEVICE_REFUSED },
	{ "the driver, feature off since",
	  { GCM(RX), SWITCHED_OFF, SEEN(EINVAL), .driver_reached = true },
	  REASON_DEVICE_REFUSED },

	{ "no feature", { GCM(TX), UNABLE, THERE, SEEN(EOPNOTSUPP) }, REASON_DEVICE_NO_FEATURE },
	{ "feature off",
	  { GCM(TX), SWITCHED_OFF, THERE, SEEN(EOPNOTSUPP) },
	  REASON_DEVICE_FEATURE_OFF },
	{ "feature off then, on now",
	  { GCM(RX), ABLE, THERE, SEEN(EOPNOTSUPP) },
	  REASON_DEVICE_FEATURE_OFF },
	{ "the device went down before",
	  { GCM(TX), .device_found = OFFLOAD_YES, .device_up = OFFLOAD_NO, SEEN(EOPNOTSUPP) },
	  REASON_DEVICE_DOWN },
	{ "no feature or off", { GCM(RX), SEEN(EOPNOTSUPP) }, REASON_DEVICE_NOT_SEEN },
	{ "TLS 1.3", { GCM13(TX), ABLE, THERE, SEEN(EOPNOTSUPP) }, REASON_DEVICE_VERSION },
	{ "TLS 1.3 to receive", { GCM13(RX), SEEN(EOPNOTSUPP) }, REASON_DEVICE_VERSION },
	{ "TLS 1.3, no feature",
	  { GCM13(TX), UNABLE, THERE, SEEN(EOPNOTSUPP) },
	  REASON_DEVICE_NO_FEATURE },
	{ "TLS 1.3, feature off",
	  { GCM13(TX), SWITCHED_OFF, THERE, SEEN(EOPNOTSUPP) },
	  REASON_DEVICE_VERSION },
	{ "ChaCha20, feature off: the kernel did not come to the cipher",
	  { CHACHA(TX), SWITCHED_OFF, SEEN(EOPNOTSUPP) },
	  REASON_DEVICE_FEATURE_OFF },

	{ "no route",
	  { GCM(TX), SEEN(EINVAL), .device_found = OFFLOAD_NO },
	  REASON_DEVICE_NO_ROUTE },
	{ "no route to receive",
	  { GCM(RX), SEEN(EINVAL), .device_found = OFFLOAD_NO },
	  REASON_DEVICE_NO_ROUTE },
	{ "ChaCha20", { CHACHA(TX), ABLE, THERE, SEEN(EINVAL) }, REASON_DEVICE_CIPHER },
	{ "device down",
	  { GCM(TX), ABLE, SEEN(EINVAL), .device_found = OFFLOAD_YES, .device_up = OFFLOAD_NO },
	  REASON_DEVICE_DOWN },
	{ "device down to receive, with a cipher that nobody looked at",
	  { CHACHA(RX), ABLE, SEEN(EINVAL), .device_up = OFFLOAD_NO },
	  REASON_DEVICE_DOWN },
	{ "no route, or down", { GCM(TX), ABLE, SEEN(EINVAL) }, REASON_DEVICE_NOT_SEEN },

	{ "no gcm(aes) yet", { GCM(TX), ABLE, THERE, SEEN(ENOENT) }, REASON_DEVICE_CRYPTO },
	{ "no memory", { GCM(RX), ABLE, THERE, SEEN(ENOMEM) }, REASON_DEVICE_CRYPTO },

	{ "a key update says nothing of the first keys",
	  { GCM(TX), SWITCHED_OFF, SEEN(EEXIST) },
	  REASON_DEVICE_FEATURE_OFF },
	{ "... and not why they are in software",
	  { GCM(TX), ABLE, SEEN(EEXIST) },
	  REASON_DEVICE_NOT_SEEN },
	{ "accepted, by another key then",
	  { GCM(TX), ABLE, SEEN(0), .driver_reached = true },
	  REASON_DEVICE_NOT_SEEN },
};

static void check(const struct row *rows, size_t n)
{
	for (const struct row *row = rows; row < rows + n; row++) {
		enum reason reason = offload_explain(&row->facts);

		if (reason != row->reason)
			fail_msg("%s: %s, not %s", row->what, reason_name(reason),
				 reason_name(row->reason));
	}
}

static void says_when_the_device_has_it(void **state)
{
	(void)state;
	check(on_device, ARRAY_SIZE(on_device));
}

static void says_when_there_is_no_key(void **state)
{
	(void)state;
	check(without_key, ARRAY_SIZE(without_key));
}

static void explains_old_sockets_by_what_stands(void **state)
{
	(void)state;
	check(unseen, ARRAY_SIZE(unseen));
}

static void explains_refusals_by_their_errno(void **state)
{
	(void)state;
	check(refused, ARRAY_SIZE(refused));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_when_the_device_has_it),
		cmocka_unit_test(says_when_there_is_no_key),
		cmocka_unit_test(explains_old_sockets_by_what_stands),
		cmocka_unit_test(explains_refusals_by_their_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
