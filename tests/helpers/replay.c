/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay SOCKET SCRIPT CALLS: a daemon of canned answers, for tests of the client.
 *
 * A line of SCRIPT answers one method: {"method":"M","replies":[{...},...]}, or with
 * {"method":"M","error":"E","parameters":{...}}, or never with {"method":"M","hang":true}; with
 * {"method":"M","close":true} the connection is closed instead. Calls are written to CALLS. Says
 * READY on stdout once it listens, and serves one client at a time until it is killed.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/json.h"
#include "base/util.h"
#include "base/varlink.h"

static const struct varlink_service service = {
	.vendor = "ktlsd",
	.product = "replay",
	.version = "0",
	.url = "",
	.interface = "io.ktlsd",
	.description = "interface io.ktlsd\n",
};

static struct json *script[64];
static size_t n_script;

static void die(const char *what)
{
	fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void script_read(const char *path)
{
	FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (!file)
		die(path);
	while (n_script < ARRAY_SIZE(script) && (len = getline(&line, &size, file)) > 0) {
		char why[128];

		if (json_parse(line, (size_t)len, &script[n_script++], why, sizeof(why))) {
			fprintf(stderr, "replay: %s:%zu: %s\n", path, n_script, why);
			exit(1);
		}
	}
	fclose(file);
}

static struct json *answer_find(const char *method)
{
	for (size_t i = 0; i < n_script; i++) {
		const char *name = "";

		(void)json_get_string(script[i], "method", &name);
		if (!strcmp(name, method))
			return script[i];
	}
	return NULL;
}

static int replies_send(struct varlink_conn *conn, struct json *replies)
{
	size_t n = json_length(replies);
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++) {
		struct json *reply;

		r = json_at(replies, i, &reply);
		if (r)
			return r;
		r = i + 1 < n ? varlink_reply_more(conn, json_share(reply)) :
				varlink_reply(conn, json_share(reply));
	}
	return r;
}

static int call_answer(struct varlink_conn *conn, const struct varlink_call *call, FILE *calls)
{
	struct json *answer = answer_find(call->method), *replies, *parameters;
	_cleanup_free_ char *text = json_print(call->parameters);
	const char *error;

	fprintf(calls, "%s %s%s\n", call->method, text, call->more ? " more" : "");
	fflush(calls);
	if (!answer)
		return varlink_error_method_not_found(conn);
	if (json_has(answer, "close"))
		return -ECONNABORTED;
	if (json_has(answer, "hang"))
		return 0;
	if (json_get_string(answer, "error", &error))
		return json_get_array(answer, "replies", &replies) ? -EINVAL :
								     replies_send(conn, replies);
	if (json_get_object(answer, "parameters", &parameters))
		return varlink_error(conn, error, NULL);
	return varlink_error(conn, error, json_share(parameters));
}

static void client_serve(int fd, FILE *calls)
{
	struct varlink_conn *conn = varlink_new(&service);
	struct varlink_call call;
	int r = conn ? 0 : -ENOMEM;

	while (r >= 0) {
		struct pollfd poll_fd = { .fd = fd };

		poll_fd.events = (short)((varlink_wants_read(conn) ? POLLIN : 0) |
					 (varlink_wants_write(conn) ? POLLOUT : 0));
		if (poll(&poll_fd, 1, -1) < 0)
			die("poll");
		if (poll_fd.revents & (POLLIN | POLLHUP))
			r = varlink_read(conn, fd);
		while (r >= 0 && (r = varlink_next_call(conn, &call)) > 0)
			r = call_answer(conn, &call, calls);
		if (r >= 0)
			r = varlink_write(conn, fd);
	}
	varlink_free(conn);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *calls;

	if (argc != 4 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fprintf(stderr, "Usage: replay SOCKET SCRIPT CALLS\n");
		return 1;
	}
	memcpy(address.sun_path, argv[1], strlen(argv[1]));
	script_read(argv[2]);
	calls = fopen(argv[3], "we");
	if (!calls)
		die(argv[3]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8))
		die(argv[1]);
	printf("READY\n");
	fflush(stdout);
	for (;;) {
		_cleanup_fd_ int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (client < 0)
			die("accept");
		client_serve(client, calls);
	}
}
