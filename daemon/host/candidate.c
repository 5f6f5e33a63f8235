/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads, then tries. */
#include "host/candidate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "host/config.h"
#include "host/runtime.h"
#include "tls/handshake.h"

/* Builds what the server would build, only to see that it can be. */
static int validate(const struct config *c, char *error, size_t error_len)
{
	struct runtime rt;
	int err = runtime_build(&rt, c, NULL, NULL, error, error_len);

	if (!err)
		runtime_fini(&rt);
	return err;
}

struct config *candidate_load(const char *path, char *text, size_t len)
{
	struct config_error error;
	struct config *c = config_load(path, &error);

	if (!c) {
		snprintf(text, len, "%s", error.text);
		return NULL;
	}
	for (unsigned i = 0; i < c->n_warnings; i++)
		log_warning("msg=\"%s\"", c->warnings[i]);
	if (!validate(c, text, len))
		return c;
	config_free(c);
	return NULL;
}

int candidate_check(const char *path)
{
	struct config_error error;
	struct config *c = config_load(path, &error);

	if (c)
		for (unsigned i = 0; i < c->n_warnings; i++)
			fprintf(stderr, "%s\n", c->warnings[i]);
	if (!c || handshake_global_init() || validate(c, error.text, sizeof(error.text))) {
		fprintf(stderr, "%s\n", error.text);
		config_free(c);
		return EXIT_FAILURE;
	}
	printf("%s: ok, %u listener%s\n", c->path, c->n_listeners, c->n_listeners == 1 ? "" : "s");
	config_free(c);
	return EXIT_SUCCESS;
}
