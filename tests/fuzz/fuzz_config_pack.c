/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a packed configuration: refused, or of the one form that packing gives again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "host/config.h"
#include "host/config_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Packs what the bytes became and compares. */
static void check_again(const struct config *config, const uint8_t *bytes, size_t len)
{
	_cleanup_free_ uint8_t *again = malloc(len + 1);
	_cleanup_fd_ int fd = config_pack(config);

	if (fd < 0 || !again || pread(fd, again, len + 1, 0) != (ssize_t)len ||
	    memcmp(again, bytes, len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config_error error = { "" };
	struct config *config = config_pack_decode(data, len, &error);

	if (!config && !*error.text)
		abort();
	if (config)
		check_again(config, data, len);
	config_free(config);
	return 0;
}
