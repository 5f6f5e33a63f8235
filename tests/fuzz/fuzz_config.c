/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text as a configuration file: it becomes a checked configuration, or one line of error. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/suite.h"
#include "host/config.h"
#include "host/config_parse.h"
#include "host/config_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_listener(const struct config_listener *l)
{
	if (!l->name || !l->text || !l->backend.text || !l->n_certificates ||
	    l->version_min < TLS12 || l->version_min > l->version_max || l->version_max > TLS13 ||
	    !l->timeouts.handshake || !l->timeouts.idle || !l->keepalive.count ||
	    l->policy.dir[TX] >= POLICY_N_VALUES || l->policy.dir[RX] >= POLICY_N_VALUES)
		abort();
	for (unsigned i = 0; i < l->n_certificates; i++)
		if (l->certificates[i].chain_path[0] != '/' ||
		    l->certificates[i].key_path[0] != '/')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char path[] = "/etc/ktlsd/ktlsd.yaml";
	struct config_error error = { "" };
	struct config_source source;
	struct config *config = NULL;

	if (!config_source_init(&source, path, (const char *)data, len, &error))
		config = config_parse(&source);
	if (config && (*error.text || !config->workers || !config->user))
		abort();
	for (unsigned i = 0; config && i < config->n_listeners; i++)
		check_listener(&config->listeners[i]);
	if (!config && (strncmp(error.text, path, strlen(path)) || strchr(error.text, '\n')))
		abort();
	config_free(config);
	config_source_fini(&source);
	return 0;
}
