/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads and compares addresses; resolves no names. */
#include "cli/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { V4_BITS = 32, V6_BITS = 128, V4_OFFSET = 12 };

static const uint8_t v4_mapped[V4_OFFSET] = { [10] = 0xff, [11] = 0xff };

static int number_parse(const char *text, int max, int *number)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n > max)
		return -EINVAL;
	*number = (int)n;
	return 0;
}

/* Gives the address's own number of bits, or -EINVAL. */
static int address_parse(const char *text, uint8_t address[static 16])
{
	if (inet_pton(AF_INET6, text, address) == 1)
		return V6_BITS;
	memcpy(address, v4_mapped, sizeof(v4_mapped));
	return inet_pton(AF_INET, text, address + V4_OFFSET) == 1 ? V4_BITS : -EINVAL;
}

/* Cuts the port off: where it begins, NULL for none. */
static char *port_cut(char *text, char **address)
{
	char *bracket = strchr(text, ']'), *colon = strchr(text, ':');

	*address = text;
	if (*text == '[' && bracket) {
		*address = text + 1;
		*bracket = '\0';
		return bracket[1] == ':' ? bracket + 2 : NULL;
	}
	/* more than one without brackets is an IPv6 address */
	if (!colon || strchr(colon + 1, ':'))
		return NULL;
	*colon = '\0';
	return colon + 1;
}

int endpoint_parse(const char *text, struct endpoint *endpoint)
{
	char copy[80], *address, *port;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	port = port_cut(copy, &address);
	endpoint->n_bits = V6_BITS;
	if (!port || number_parse(port, UINT16_MAX, &endpoint->port))
		return -EINVAL;
	return address_parse(address, endpoint->address) < 0 ? -EINVAL : 0;
}

int endpoint_parse_pattern(const char *text, struct endpoint *pattern)
{
	char copy[80], *address, *port, *slash;
	int own, bits;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	*pattern = (struct endpoint){ .port = -1 };
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	port = port_cut(copy, &address);
	if (port && number_parse(port, UINT16_MAX, &pattern->port))
		return -EINVAL;
	if (!*address)
		return port && !slash ? 0 : -EINVAL;
	own = bits = address_parse(address, pattern->address);
	if (own < 0 || (slash && number_parse(slash, own, &bits)))
		return -EINVAL;
	pattern->n_bits = V6_BITS - own + bits;
	return 0;
}

bool endpoint_matches(const struct endpoint *pattern, const struct endpoint *endpoint)
{
	int whole = pattern->n_bits / 8, rest = pattern->n_bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (pattern->port >= 0 && pattern->port != endpoint->port)
		return false;
	if (memcmp(pattern->address, endpoint->address, (size_t)whole) != 0)
		return false;
	return !rest || !((pattern->address[whole] ^ endpoint->address[whole]) & mask);
}
