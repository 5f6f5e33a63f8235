/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies for a command, and a clear word when there are none. */
#include "cli/client.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/util.h"
#include "base/varlink_client.h"
#include "cli/text.h"

#define INTERFACE "io.ktlsd."

/* An error reply in words, with its string parameter between them. */
static const struct {
	const char *error, *before, *parameter, *after;
} errors[] = {
	{ INTERFACE "NoSuchConnection", "there is no such connection: it may have ended", NULL,
	  "" },
	{ INTERFACE "NoSuchListener", "there is no listener '", "listener", "'" },
	{ INTERFACE "InvalidPolicy", "'", "value", "' is no policy: off, auto, on or require" },
	{ INTERFACE "ReloadFailed",
	  "the configuration was refused and the old one stays in force: ", "message", "" },
	{ INTERFACE "NotPermitted", "ktlsd does not permit this to you: run it as root", NULL, "" },
	{ INTERFACE "CannotListen", "a listener cannot listen again: ", "errno", "" },
	{ INTERFACE "ObserverFailed", "the observer: ", "message", "" },
	{ INTERFACE "ProbeFailed",
	  "the probe could not run, what it found before holds: ", "message", "" },
	{ INTERFACE "Busy", "ktlsd is busy with the same request of somebody else: try again", NULL,
	  "" },
	{ "org.varlink.service.MethodNotFound", "this ktlsd does not know ", "method",
	  ": it is older than ktlsctl" },
	{ "org.varlink.service.InterfaceNotFound", "the service behind this socket does not offer ",
	  "interface", ": it is not ktlsd" },
	{ "org.varlink.service.InvalidParameter", "ktlsd refuses the parameter '", "parameter",
	  "'" },
};

static enum exit_code failure_explain(struct varlink_failure *failure)
{
	_cleanup_json_ struct json *parameters = failure->parameters;

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		const char *value = "";

		if (strcmp(errors[i].error, failure->error) != 0)
			continue;
		if (errors[i].parameter)
			(void)json_get_string(parameters, errors[i].parameter, &value);
		text_error("%s%s%s", errors[i].before, value, errors[i].after);
		return EXIT_FAILED;
	}
	text_error("ktlsd answered with the error %s", failure->error);
	return EXIT_FAILED;
}

/* Who may: the group of the socket, or of its directory where that already keeps others out. */
static void denial_explain(const char *socket)
{
	_cleanup_free_ char *copy = strdup(socket);
	const struct group *group = NULL;
	struct stat st;

	text_error("%s: permission denied", socket);
	if (!stat(socket, &st)) {
		if (st.st_mode & S_IWGRP)
			group = getgrgid(st.st_gid);
	} else if (copy && !stat(dirname(copy), &st) && st.st_mode & S_IXGRP) {
		group = getgrgid(st.st_gid);
	}
	if (group && group->gr_gid)
		text_hint("ktlsd answers root (sudo) and members of the group '%s'.",
			  group->gr_name);
	else
		text_hint("ktlsd answers root only (sudo).");
}

/* Nobody is behind the socket, which is the one that was named, or the one of every ktlsd. */
static enum exit_code absence_explain(const struct options *options, int r)
{
	const char *socket = options->socket;
	struct stat st;

	if (r == -ECONNREFUSED && !stat(socket, &st) && !S_ISSOCK(st.st_mode)) {
		text_error("%s is no socket", socket);
		return EXIT_FAILED;
	}
	if (r == -ENOENT && options->given & OPTION_SOCKET) {
		text_error("%s: there is no such file: ktlsd is not running, or its socket is "
			   "elsewhere",
			   socket);
		return EXIT_NO_DAEMON;
	}
	text_error("ktlsd is not running: nobody answers at %s", socket);
	text_hint("Start it (systemctl start ktlsd), or name its socket with --socket.");
	return EXIT_NO_DAEMON;
}

/* `source` is the socket or file, `r` what went wrong with it. */
static enum exit_code call_explain(const struct options *options, const char *source, int r,
				   int timeout_ms)
{
	switch (r) {
	case -ENOENT:
	case -ECONNREFUSED:
		return absence_explain(options, r);
	case -EACCES:
	case -EPERM:
		denial_explain(source);
		return EXIT_FAILED;
	case -ETIMEDOUT:
		text_error("ktlsd did not answer within %d s", timeout_ms / MS_PER_S);
		text_hint("It is stopped, hangs, or is very busy: look at its log and at "
			  "'systemctl status ktlsd'.");
		return EXIT_FAILED;
	case -ECONNRESET:
		text_error("ktlsd closed the connection before the answer was complete");
		return EXIT_FAILED;
	case -EBADMSG:
	case -EMSGSIZE:
		text_error("%s: the answer is not Varlink: is this ktlsd's socket?", source);
		return EXIT_FAILED;
	case -ECANCELED:
		return EXIT_FAILED;
	default:
		text_error("%s: %s", source, strerror(-r));
		return EXIT_FAILED;
	}
}

bool client_is_denied(const struct options *options)
{
	return !options->from && faccessat(AT_FDCWD, options->socket, W_OK, AT_EACCESS) &&
	       errno == EACCES;
}

enum exit_code client_complain(const struct options *options, const struct json *reply)
{
	const char *complaint = json_complaint(reply);

	text_error("%s: %s", options->from ? options->from : "ktlsd's answer",
		   complaint ? complaint : "this is not a reply for this command");
	return EXIT_FAILED;
}

/* Who gets the replies: one of the two is set. */
struct taker {
	const struct options *options;
	client_reply_fn *each_reply;
	client_text_fn *each_text;
	void *arg;
};

/* Hands over one recorded reply, which is one line: 0 or a negative value, said on stderr. */
static int line_take(const struct taker *taker, size_t number, const char *line, size_t len)
{
	const char *from = taker->options->from, *complaint;
	_cleanup_json_ struct json *reply = NULL;
	char why[128];
	int r;

	if (taker->each_text) {
		r = taker->each_text(line, len, taker->arg);
		if (r != -EINVAL && r != -EBADMSG)
			return r;
	}
	r = json_parse(line, len, &reply, why, sizeof(why));
	if (r == -EBADMSG) {
		text_error("%s:%zu: not a reply in JSON: %s", from, number, why);
		return -ECANCELED;
	}
	if (!r)
		r = taker->each_reply ? taker->each_reply(reply, taker->arg) : -EINVAL;
	if (r != -EINVAL)
		return r;
	complaint = json_complaint(reply);
	text_error("%s:%zu: %s", from, number,
		   complaint ? complaint : "this is not a reply for this command");
	return -ECANCELED;
}

static void file_cleanup(FILE **file)
{
	if (*file && *file != stdin)
		fclose(*file);
}

static enum exit_code replay(const struct options *options, const struct taker *taker)
{
	__attribute__((cleanup(file_cleanup)))
	FILE *file = strcmp(options->from, "-") != 0 ? fopen(options->from, "re") : stdin;
	_cleanup_free_ char *line = NULL;
	size_t size = 0, number = 0, n_replies = 0;
	ssize_t len;
	int r = 0;

	if (!file) {
		text_error("%s: %s", options->from, strerror(errno));
		return EXIT_FAILED;
	}
	while (!r && (len = getline(&line, &size, file)) >= 0) {
		number++;
		if (strspn(line, " \t\r\n") == (size_t)len)
			continue;
		n_replies++;
		r = line_take(taker, number, line, strcspn(line, "\r\n"));
	}
	if (!r && ferror(file)) {
		text_error("%s: %s", options->from, strerror(errno));
		r = -ECANCELED;
	} else if (!r && !n_replies) {
		text_error("%s: there is no reply in it", options->from);
		r = -ECANCELED;
	}
	return r ? call_explain(options, options->from, r, 0) : EXIT_FINE;
}

static int live_take(struct json *reply, void *arg)
{
	const struct taker *taker = arg;
	int r = taker->each_reply(reply, taker->arg);

	if (r != -EINVAL)
		return r;
	client_complain(taker->options, reply);
	return -ECANCELED;
}

static int live_take_text(const char *text, size_t len, void *arg)
{
	const struct taker *taker = arg;
	int r = taker->each_text(text, len, taker->arg);

	if (r != -EINVAL)
		return r;
	client_complain(taker->options, NULL);
	return -ECANCELED;
}

static enum exit_code outcome(const struct options *options, int r, int timeout_ms,
			      struct varlink_failure *failure)
{
	if (r == -EREMOTEIO)
		return failure_explain(failure);
	return r ? call_explain(options, options->socket, r, timeout_ms) : EXIT_FINE;
}

enum exit_code client_call(const struct options *options, const char *method,
			   struct json *parameters, bool more, int timeout_ms,
			   client_reply_fn *each, void *arg)
{
	struct taker taker = { .options = options, .each_reply = each, .arg = arg };
	struct varlink_failure failure;
	char name[64];
	int r;

	if (options->from) {
		json_free(parameters);
		return replay(options, &taker);
	}
	snprintf(name, sizeof(name), INTERFACE "%s", method);
	r = varlink_client_call(options->socket, name, parameters, more, live_take, &taker,
				timeout_ms, &failure);
	return outcome(options, r, timeout_ms, &failure);
}

enum exit_code client_call_text(const struct options *options, const char *method,
				struct json *parameters, int timeout_ms, client_text_fn *each,
				void *arg)
{
	struct taker taker = { .options = options, .each_text = each, .arg = arg };
	struct varlink_failure failure;
	char name[64];
	int r;

	if (options->from) {
		json_free(parameters);
		return replay(options, &taker);
	}
	snprintf(name, sizeof(name), INTERFACE "%s", method);
	r = varlink_client_call_text(options->socket, name, parameters, live_take_text, &taker,
				     timeout_ms, &failure);
	return outcome(options, r, timeout_ms, &failure);
}

static int keep_first(struct json *reply, void *arg)
{
	struct json **kept = arg;

	if (!*kept)
		*kept = json_share(reply);
	return *kept ? 0 : -ENOMEM;
}

enum exit_code client_get(const struct options *options, const char *method,
			  struct json *parameters, int timeout_ms, struct json **reply)
{
	*reply = NULL;
	return client_call(options, method, parameters, false, timeout_ms, keep_first, reply);
}
