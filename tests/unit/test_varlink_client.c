/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's side of Varlink against a server of fixed bytes in a thread of its own. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/util.h"
#include "base/varlink_client.h"

enum { LONG_MS = 20000, STREAM_MS = 1000, SHORT_MS = 100 };

/* What the server does once it has a whole request. */
struct server {
	char directory[32], path[64];
	int listener; /* owned */
	pthread_t thread;
	const char *bytes; /* to send */
	size_t len;
	size_t chunk;	  /* sent at a time; 0: all at once */
	size_t n_fillers; /* blocks of 64 KiB of 'x' before the bytes */
	int pause_ms;	  /* before each chunk */
	bool hold;	  /* keep the connection open until the client closes it */
	char request[512];
};

static void send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* the client had enough */
		bytes += n;
		len -= (size_t)n;
	}
}

static void *server_run(void *arg)
{
	struct server *server = arg;
	_cleanup_fd_ int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
	size_t chunk = server->chunk ? server->chunk : server->len;
	char filler[64 << 10];
	size_t len = 0;

	while (fd >= 0 && (!len || server->request[len - 1])) {
		ssize_t n = recv(fd, server->request + len, sizeof(server->request) - len, 0);

		if (n <= 0)
			return NULL;
		len += (size_t)n;
	}
	memset(filler, 'x', sizeof(filler));
	for (size_t i = 0; i < server->n_fillers; i++)
		send_all(fd, filler, sizeof(filler));
	for (size_t at = 0; at < server->len; at += chunk) {
		poll(NULL, 0, server->pause_ms);
		send_all(fd, server->bytes + at, MIN_OF(chunk, server->len - at));
	}
	if (server->hold)
		(void)recv(fd, filler, sizeof(filler), 0);
	return NULL;
}

static int setup(void **state)
{
	struct server *server = calloc(1, sizeof(*server));
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*state = server;
	strcpy(server->directory, "/tmp/varlink-test-XXXXXX");
	if (!mkdtemp(server->directory))
		return -1;
	snprintf(server->path, sizeof(server->path), "%s/sock", server->directory);
	strcpy(address.sun_path, server->path);
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(server->listener, (struct sockaddr *)&address, sizeof(address)) ||
	       listen(server->listener, 0);
}

static int teardown(void **state)
{
	struct server *server = *state;

	fd_close(&server->listener);
	unlink(server->path);
	rmdir(server->directory);
	free(server);
	return 0;
}

struct got {
	int n;
	int64_t sum;
	int stop_at; /* the n-th reply is refused */
};

static int take(struct json *reply, void *arg)
{
	struct got *got = arg;
	int64_t n = 0;

	assert_non_null(reply);
	(void)json_get_int(reply, "n", &n);
	got->sum += n;
	return ++got->n == got->stop_at ? -ECANCELED : 0;
}

static int call(struct server *server, bool more, int timeout_ms, struct got *got,
		struct varlink_failure *failure)
{
	struct json *parameters = json_new();
	int r;

	json_set_int(parameters, "cookie", 7);
	assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
	r = varlink_client_call(server->path, "io.test.Get", parameters, more, take, got,
				timeout_ms, failure);
	assert_int_equal(pthread_join(server->thread, NULL), 0);
	return r;
}

/* What call_text() got, one behind the other. */
struct texts {
	char all[128];
	int n;
};

static int take_text(const char *text, size_t len, void *arg)
{
	struct texts *texts = arg;

	strncat(texts->all, text, len);
	texts->n++;
	return 0;
}

static int call_text(struct server *server, struct texts *texts, struct varlink_failure *failure)
{
	int r;

	assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
	r = varlink_client_call_text(server->path, "io.test.Get", NULL, take_text, texts, LONG_MS,
				     failure);
	assert_int_equal(pthread_join(server->thread, NULL), 0);
	return r;
}

#define SENDS(server, text) ((server)->bytes = text, (server)->len = sizeof(text))

static void one_reply(void **state)
{
	struct server *server = *state;
	struct varlink_failure failure;
	struct got got = { 0 };

	SENDS(server, "{\"parameters\":{\"n\":5}}");
	assert_int_equal(call(server, false, LONG_MS, &got, &failure), 0);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.sum, 5);
	assert_string_equal(server->request, "{\"method\":\"io.test.Get\",\"parameters\":{"
					     "\"cookie\":7}}");
}

static void reply_without_parameters(void **state)
{
	struct server *server = *state;
	struct varlink_failure failure;
	struct got got = { 0 };

	SENDS(server, "{}");
	assert_int_equal(call(server, false, LONG_MS, &got, &failure), 0);
	assert_int_equal(got.n, 1);
}

static const char stream[] = "{\"continues\":true,\"parameters\":{\"n\":1}}\0"
			     "{\"continues\":true,\"parameters\":{\"n\":10}}\0"
			     "{\"continues\":false,\"parameters\":{\"n\":100}}";

static void streamed_replies(void **state)
{
	for (size_t chunk = 0; chunk < 8; chunk++) {
		struct server *server = *state;
		struct varlink_failure failure;
		struct got got = { 0 };

		server->bytes = stream;
		server->len = sizeof(stream);
		server->chunk = chunk;
		assert_int_equal(call(server, true, LONG_MS, &got, &failure), 0);
		assert_int_equal(got.n, 3);
		assert_int_equal(got.sum, 111);
		assert_string_equal(server->request, "{\"method\":\"io.test.Get\",\"parameters\":"
						     "{\"cookie\":7},\"more\":true}");
	}
}

static void texts_of_a_stream(void **state)
{
	for (size_t chunk = 0; chunk < 8; chunk++) {
		struct server *server = *state;
		struct varlink_failure failure;
		struct texts texts = { 0 };

		server->bytes = stream;
		server->len = sizeof(stream);
		server->chunk = chunk;
		assert_int_equal(call_text(server, &texts, &failure), 0);
		assert_string_equal(texts.all, "{\"n\":1}{\"n\":10}{\"n\":100}");
	}
}

static void texts_that_are_none(void **state)
{
	static const char *const bad[] = {
		"HTTP/1.1 400 Bad Request", "{\"error\":null}", "{\"error\":1}",
		"{\"continues\":true}",	    "{\"parameters\"",	""
	};
	struct server *server = *state;
	struct varlink_failure failure;
	struct texts texts = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		server->bytes = bad[i];
		server->len = strlen(bad[i]) + 1;
		assert_int_equal(call_text(server, &texts, &failure), -EBADMSG);
	}
	SENDS(server, "{\"error\":\"io.test.Busy\"}");
	assert_int_equal(call_text(server, &texts, &failure), -EREMOTEIO);
	assert_string_equal(failure.error, "io.test.Busy");
	json_free(failure.parameters);
	assert_int_equal(texts.n, 0);
}

static void taker_ends_the_call(void **state)
{
	struct server *server = *state;
	struct varlink_failure failure;
	struct got got = { .stop_at = 2 };

	server->bytes = stream;
	server->len = sizeof(stream);
	assert_int_equal(call(server, true, LONG_MS, &got, &failure), -ECANCELED);
	assert_int_equal(got.n, 2);
}

static void error_reply(void **state)
{
	struct server *server = *state;
	struct varlink_failure failure;
	struct got got = { 0 };
	const char *listener;

	SENDS(server, "{\"error\":\"io.test.NoSuch\",\"parameters\":{\"listener\":\"web\"}}");
	assert_int_equal(call(server, false, LONG_MS, &got, &failure), -EREMOTEIO);
	assert_int_equal(got.n, 0);
	assert_string_equal(failure.error, "io.test.NoSuch");
	assert_int_equal(json_get_string(failure.parameters, "listener", &listener), 0);
	assert_string_equal(listener, "web");
	json_free(failure.parameters);

	SENDS(server, "{\"error\":\"io.test.Busy\"}");
	assert_int_equal(call(server, false, LONG_MS, &got, &failure), -EREMOTEIO);
	assert_non_null(failure.parameters);
	json_free(failure.parameters);
}

static void not_varlink(void **state)
{
	static const char *const bad[] = {
		"HTTP/1.1 400 Bad Request",
		"[]",
		"{\"error\":1}",
		"{\"parameters\":[]}",
		"{\"continues\":1}",
		"{\"continues\":true}",
		"{\"error\":\"x\",\"parameters\":1}",
		"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct server *server = *state;
		struct varlink_failure failure;
		struct got got = { 0 };

		server->bytes = bad[i];
		server->len = strlen(bad[i]) + 1;
		assert_int_equal(call(server, false, LONG_MS, &got, &failure), -EBADMSG);
		assert_int_equal(got.n, 0);
		assert_null(failure.parameters);
	}
}

static void closed_early(void **state)
{
	struct server *server = *state;
	struct varlink_failure failure;
	struct got got = { 0 };

	server->bytes = "{\"parameters\":{\"n\":5}"; /* neither whole nor ended */
	server->len = strlen(server->bytes);
	assert_int_equal(call(server, false, LONG_MS, &got, &failure), -ECONNRESET);
	server->bytes = stream; /* two of three */
	server->len = 2 * sizeof("{\"continues\":true,\"parameters\":{\"n\":1}}") + 1;
	assert_int_equal(call(server, true, LONG_MS, &got, &failure), -ECONNRESET);
	assert_int_equal(got.n, 2);
}

static void deadline(void **state)
{
	struct server *server = *state;
	struct varlink_failure failure;
	struct got got = { 0 };
	uint64_t start = now_ns();

	server->bytes = stream;
	server->len = 10;
	server->hold = true;
	assert_int_equal(call(server, true, SHORT_MS, &got, &failure), -ETIMEDOUT);
	assert_in_range((now_ns() - start) / NS_PER_MS, SHORT_MS, LONG_MS / 2);
}

/* The deadline is for each reply: a stream may take longer. */
static void deadline_of_a_stream(void **state)
{
	struct server *server = *state;
	struct varlink_failure failure;
	struct got got = { 0 };
	uint64_t start = now_ns();

	server->bytes = stream;
	server->len = sizeof(stream);
	server->chunk = sizeof("{\"continues\":true,\"parameters\":{\"n\":1}}") + 1;
	server->pause_ms = STREAM_MS * 2 / 5;
	assert_int_equal(call(server, true, STREAM_MS, &got, &failure), 0);
	assert_int_equal(got.sum, 111);
	assert_in_range((now_ns() - start) / NS_PER_MS, STREAM_MS, LONG_MS);
}

/* Nobody accepts and the backlog is full: connect() waits no longer than the deadline. */
static void deadline_of_connect(void **state)
{
	struct server *server = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct varlink_failure failure;
	struct got got = { 0 };
	int fd[4], r = 0;
	size_t n = 0;

	strcpy(address.sun_path, server->path);
	while (!r && n < ARRAY_SIZE(fd)) {
		fd[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		r = connect(fd[n++], (struct sockaddr *)&address, sizeof(address));
	}
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(varlink_client_call(server->path, "io.test.Get", NULL, false, take, &got,
					     SHORT_MS, &failure),
			 -ETIMEDOUT);
	while (n)
		close(fd[--n]);
}

static void reply_too_large(void **state)
{
	struct server *server = *state;
	struct varlink_failure failure;
	struct got got = { 0 };

	SENDS(server, "");
	server->n_fillers = 2 * VARLINK_REPLY_MAX / (64 << 10) + 1;
	assert_int_equal(call(server, false, LONG_MS, &got, &failure), -EMSGSIZE);
}

static void nobody_there(void **state)
{
	struct server *server = *state;
	struct varlink_failure failure;
	struct got got = { 0 };
	char path[200];

	fd_close(&server->listener);
	assert_int_equal(varlink_client_call(server->path, "a.B", json_new(), false, take, &got,
					     LONG_MS, &failure),
			 -ECONNREFUSED);
	assert_int_equal(varlink_client_call("/nonexistent/sock", "a.B", json_new(), false, take,
					     &got, LONG_MS, &failure),
			 -ENOENT);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(varlink_client_call(path, "a.B", NULL, false, take, &got, LONG_MS,
					     &failure),
			 -ENAMETOOLONG);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(one_reply),
		CASE(reply_without_parameters),
		CASE(streamed_replies),
		CASE(texts_of_a_stream),
		CASE(texts_that_are_none),
		CASE(taker_ends_the_call),
		CASE(error_reply),
		CASE(not_varlink),
		CASE(closed_early),
		CASE(deadline),
		CASE(deadline_of_a_stream),
		CASE(deadline_of_connect),
		CASE(reply_too_large),
		CASE(nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
