/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's AES driver. */
#include "cli/driver.h"

#include <string.h>

#include "cli/text.h"

/*
 * A template around a cipher of single blocks, "gcm_base(ctr(aes-generic),ghash-generic)", is C
 * code for a block or a mode. A driver of its own name does the mode at once: "generic-gcm-aesni",
 * where "generic" only means RFC 5288 without the RFC 4106 framing, or "ctr-aes-aesni" inside.
 */
bool driver_is_slow(const char *driver)
{
	return driver && (strstr(driver, "ctr(aes") || strstr(driver, "aes-generic") ||
			  strstr(driver, "aes-lib") || strstr(driver, "aes-fixed"));
}

void driver_print(const char *driver)
{
	if (driver_is_slow(driver))
		text_field("AES driver", STYLE_BAD,
			   "%s: generic C code, several times slower than user space", driver);
	else if (driver)
		text_field("AES driver", STYLE_PLAIN, "%s", driver);
}

const char *driver_advice(void)
{
	return "'modprobe aesni_intel' (on arm64 'ghash-ce') before the first "
	       "connection, and list it in /etc/modules-load.d. If the CPU has no AES "
	       "instructions, "
	       "set 'ktls: tx' and 'rx' to off or prefer ChaCha20-Poly1305.";
}

void driver_print_advice(const char *driver)
{
	if (driver_is_slow(driver))
		text_field("", STYLE_PLAIN, "What to do: %s", driver_advice());
}
