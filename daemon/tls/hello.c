/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the record header itself, the extension by wolfSSL. */
#include <wolfssl/options.h>

#include "tls/hello.h"

#include <ctype.h>
#include <string.h>

#include <wolfssl/ssl.h>

#include "base/util.h"
#include "tls/record.h"

enum { CLIENT_HELLO = 1, MAJOR_VERSION = 3 };

enum hello_verdict hello_check(const uint8_t *p, size_t len)
{
	if (len >= 1 && p[0] != RECORD_HANDSHAKE)
		return HELLO_NOT_TLS;
	if (len >= 2 && p[1] != MAJOR_VERSION)
		return HELLO_NOT_TLS;
	if (len > RECORD_HEADER_LEN && p[RECORD_HEADER_LEN] != CLIENT_HELLO)
		return HELLO_NOT_TLS;
	if (len <= RECORD_HEADER_LEN)
		return HELLO_PARTIAL;
	if (len >= HELLO_PEEK_MAX || len - RECORD_HEADER_LEN >= be16_get(p + 3))
		return HELLO_WHOLE;
	return HELLO_PARTIAL;
}

void hello_server_name(const uint8_t *p, size_t len, char name[static HELLO_NAME_MAX])
{
	unsigned int n = HELLO_NAME_MAX - 1;

	name[0] = '\0';
	if (wolfSSL_SNI_GetFromBuffer(p, (unsigned)len, WOLFSSL_SNI_HOST_NAME,
				      (unsigned char *)name, &n) != WOLFSSL_SUCCESS) {
		name[0] = '\0';
		return;
	}
	name[n] = '\0';
	for (unsigned i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];

		if (!isalnum(c) && c != '-' && c != '.' && c != '_') {
			name[0] = '\0';
			return;
		}
		name[i] = (char)tolower(c);
	}
}
