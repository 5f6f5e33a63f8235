/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes what the tables know as the mdoc of ktlsd.yaml(5): the keys, and the cipher suites. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suite.h"
#include "base/util.h"
#include "host/config_key.h"

static const struct {
	enum config_type map;
	const char *title;
} sections[] = {
	{ TYPE_ROOT, "Top level" },
	{ TYPE_LIMITS, "limits" },
	{ TYPE_TIMEOUTS, "timeouts, here and in a listener" },
	{ TYPE_LISTENER, "Each of the listeners" },
	{ TYPE_CERTIFICATE, "Each of the certificates" },
	{ TYPE_KEEPALIVE, "keepalive" },
	{ TYPE_FILES, "files" },
	{ TYPE_KTLS, "ktls" },
};

/* Writes a word; first on a line, a dot or a quote would make it a macro. */
static void print_word(const char *word, size_t len, bool first)
{
	if (first && (*word == '.' || *word == '\''))
		fputs("\\&", stdout);
	for (; len; word++, len--)
		fputs(*word == '\\' ? "\\e" : (char[]){ *word, '\0' }, stdout);
}

/* mdoc wants every sentence on a line of its own, and lines of no more than 80 bytes. */
static void print_sentences(const char *text)
{
	size_t column = 0;
	bool ended = false;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t len = strcspn(text, " ");

		if (column && ((ended && isupper((unsigned char)*text)) || column + len > 76)) {
			putchar('\n');
			column = 0;
		} else if (column) {
			putchar(' ');
			column++;
		}
		print_word(text, len, !column);
		column += len;
		ended = text[len - 1] == '.';
		text += len;
	}
	putchar('\n');
}

static void print_key(const struct config_key *key)
{
	char range[128];

	printf(".It Ic %s\n", key->key);
	print_sentences(key->help);
	if (config_key_format_range(key, range, sizeof(range)))
		printf("Type: %s.\n", range);
	else
		printf("Type: a mapping.\n");
	if (key->fallback)
		printf("Default:\n.Ql %s .\n", key->fallback);
	else if (config_key_is_required(key))
		printf("Required.\n");
}

static void print_keys(void)
{
	const struct config_key *key;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		printf(".Ss %s\n.Bl -tag -width Ds\n", sections[i].title);
		for (size_t j = 0; (key = config_key_at(j)); j++)
			if (key->map == sections[i].map)
				print_key(key);
		printf(".El\n");
	}
}

static void print_suites(void)
{
	static const uint16_t versions[] = { TLS13, TLS12 };
	const struct suite *suite;

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		printf("TLS %s:\n.Bl -item -compact -offset indent\n",
		       suite_version_name(versions[i]));
		for (size_t j = 0; (suite = suite_at(j)); j++)
			if (suite->version == versions[i])
				printf(".It\n.Ql %s\n", suite->name);
		printf(".El\n");
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "keys")) {
		print_keys();
	} else if (argc == 2 && !strcmp(argv[1], "suites")) {
		print_suites();
	} else {
		fprintf(stderr, "usage: %s keys|suites\n", argv[0]);
		return EXIT_FAILURE;
	}
	return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
