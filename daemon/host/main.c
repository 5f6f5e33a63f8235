/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktlsd's command line: which of its processes this one is. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/candidate.h"
#include "host/config_key.h"
#include "host/monitor.h"
#include "host/server.h"
#include "host/version.h"
#include "tls/handshake.h"

#define DEFAULT_CONFIG "/etc/ktlsd/ktlsd.yaml"

static void usage(FILE *to)
{
	fputs("Usage: ktlsd [OPTION]...\n"
	      "Terminate TLS with its records in the kernel, and say where they are not.\n\n"
	      "  -c, --config FILE   configuration (default " DEFAULT_CONFIG ")\n"
	      "      --check         check the configuration and the files it names, then exit\n"
	      "      --help-config   explain the keys of the configuration\n"
	      "  -h, --help          show this help\n"
	      "  -V, --version       show the version\n\n"
	      "Signals: HUP reloads the configuration, TERM and INT end.\n"
	      "See ktlsd(8), ktlsd.yaml(5); 'ktlsctl status' shows a running ktlsd.\n",
	      to);
}

int main(int argc, char **argv)
{
	enum { CHECK = 256, HELP_CONFIG, SERVER };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, CHECK },
		{ "help-config", no_argument, NULL, HELP_CONFIG },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "server", required_argument, NULL, SERVER }, /* by the monitor alone */
		{ 0 },
	};
	const char *config = DEFAULT_CONFIG;
	bool check = false;
	int o;

	while ((o = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		switch (o) {
		case 'c':
			config = optarg;
			break;
		case CHECK:
			check = true;
			break;
		case HELP_CONFIG:
			config_key_print_help(stdout);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		case 'V':
			printf("ktlsd %s (%s)\n", KTLSD_VERSION, handshake_library());
			return EXIT_SUCCESS;
		case SERVER:
			return server_run(atoi(optarg));
		default:
			fputs("Try 'ktlsd --help'.\n", stderr);
			return EXIT_FAILURE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "ktlsd: unexpected argument '%s'. Try 'ktlsd --help'.\n",
			argv[optind]);
		return EXIT_FAILURE;
	}
	return check ? candidate_check(config) : monitor_run(config);
}
