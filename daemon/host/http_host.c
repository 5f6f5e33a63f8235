/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes the port off, then compares. */
#include "host/http_host.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What stands before the port, without brackets; "" for what is none, or too long to be one. */
static void take_name(char name[static HOST_NAME_MAX + 1], const char *host)
{
	const char *end = host + strcspn(host, ":");

	if (*host == '[') {
		host++;
		end = host + strcspn(host, "]");
	}
	snprintf(name, HOST_NAME_MAX + 1, "%.*s",
		 end - host > HOST_NAME_MAX ? 0 : (int)(end - host), host);
}

static bool is_address(const char *name)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

static bool is_localhost(const char *name)
{
	static const char local[] = "localhost";
	size_t len = strlen(name), n = sizeof(local) - 1;

	if (len < n || strcasecmp(name + len - n, local))
		return false;
	return len == n || name[len - n - 1] == '.';
}

bool http_host_is_local(const char *host, const char *configured)
{
	char name[HOST_NAME_MAX + 1], ours[HOST_NAME_MAX + 1];

	take_name(name, host);
	if (is_address(name) || is_localhost(name))
		return true;
	take_name(ours, configured ? configured : "");
	return *ours && !strcasecmp(name, ours);
}
