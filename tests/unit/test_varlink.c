/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's side of the Varlink codec: framing at every split, the envelope, bounds, queue. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/util.h"
#include "base/varlink.h"

#define GET_STATUS "{\"method\":\"io.test.GetStatus\"}"

static const struct varlink_service service = {
	.vendor = "V",
	.product = "P",
	.version = "1",
	.url = "https://example.org/",
	.interface = "io.test",
	.description = "interface io.test\nmethod GetStatus() -> ()\n",
};

static int setup(void **state)
{
	*state = varlink_new(&service);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	varlink_free(*state);
	return 0;
}

/* Feeds text with its NUL. */
static void feed(struct varlink_conn *conn, const char *text)
{
	assert_int_equal(varlink_feed(conn, text, strlen(text) + 1), strlen(text) + 1);
}

/* Checks the unsent messages, each without its NUL, in their order; NULL ends. Takes them away. */
static void assert_sent(struct varlink_conn *conn, const char *expected)
{
	_cleanup_fd_ int ours = -1, theirs = -1;
	int pair[2];
	size_t len;
	const char *sent = varlink_peek(conn, &len);

	assert_int_equal(len, strlen(expected) + 1);
	assert_memory_equal(sent, expected, len);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ours = pair[0];
	theirs = pair[1];
	assert_int_equal(varlink_write(conn, ours), 0);
	assert_false(varlink_wants_write(conn));
}

static void split_at_every_byte(void **state)
{
	static const char text[] = "{\"method\":\"io.test.Set\",\"parameters\":{\"tx\":"
				   "\"\xc3\xbc\"}}";
	struct varlink_conn *conn = *state;
	struct varlink_call call;
	const char *tx;

	for (size_t at = 0; at <= sizeof(text); at++) {
		assert_int_equal(varlink_feed(conn, text, at), at);
		assert_int_equal(varlink_next_call(conn, &call), at == sizeof(text));
		if (at < sizeof(text)) {
			varlink_feed(conn, text + at, sizeof(text) - at);
			assert_int_equal(varlink_next_call(conn, &call), 1);
		}
		assert_string_equal(call.method, "Set");
		assert_int_equal(json_get_string(call.parameters, "tx", &tx), 0);
		assert_string_equal(tx, "\xc3\xbc");
		assert_false(call.more || call.oneway);
		assert_true(varlink_is_busy(conn));
		assert_int_equal(varlink_reply(conn, NULL), 0);
		assert_false(varlink_is_busy(conn));
		assert_sent(conn, "{\"parameters\":{}}");
	}
}

static void two_messages_in_one_read(void **state)
{
	static const char text[] = GET_STATUS "\0{\"method\":\"io.test.Second\"}";
	struct varlink_conn *conn = *state;
	struct varlink_call call;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	_cleanup_fd_ int ours = pair[0], theirs = pair[1];
	assert_int_equal(send(theirs, text, sizeof(text), 0), sizeof(text));
	assert_int_equal(varlink_read(conn, ours), 0);
	assert_int_equal(varlink_read(conn, ours), 0); /* nothing more: EAGAIN */
	assert_int_equal(varlink_next_call(conn, &call), 1);
	assert_string_equal(call.method, "GetStatus");
	/* The second waits until the first is answered. */
	assert_int_equal(varlink_next_call(conn, &call), 0);
	assert_int_equal(varlink_reply(conn, NULL), 0);
	assert_int_equal(varlink_next_call(conn, &call), 1);
	assert_string_equal(call.method, "Second");
	assert_int_equal(varlink_reply(conn, NULL), 0);
	assert_int_equal(varlink_next_call(conn, &call), 0);
	assert_int_equal(varlink_write(conn, ours), 0);
	char got[64];
	static const char expected[] = "{\"parameters\":{}}\0{\"parameters\":{}}";
	assert_int_equal(recv(theirs, got, sizeof(got), 0), sizeof(expected));
	assert_memory_equal(got, expected, sizeof(expected));
}

static void last_call_before_close(void **state)
{
	struct varlink_conn *conn = *state;
	struct varlink_call call;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	_cleanup_fd_ int ours = pair[0];
	assert_int_equal(send(pair[1], GET_STATUS, sizeof(GET_STATUS), 0), sizeof(GET_STATUS));
	close(pair[1]);
	assert_int_equal(varlink_read(conn, ours), 0);
	assert_int_equal(varlink_next_call(conn, &call), 1);
	assert_int_equal(varlink_read(conn, ours), -ECONNRESET);
	assert_int_equal(varlink_reply(conn, NULL), 0);
	assert_int_equal(varlink_write(conn, ours), -EPIPE); /* and no signal */
}

static void too_large(void **state)
{
	struct varlink_conn *conn = *state;
	struct varlink_call call;
	char block[1024];
	size_t fed = 0, n;

	memset(block, ' ', sizeof(block));
	while ((n = varlink_feed(conn, block, sizeof(block))) == sizeof(block))
		fed += n;
	assert_int_equal(fed + n, VARLINK_REQUEST_MAX + 1);
	assert_false(varlink_wants_read(conn));
	assert_int_equal(varlink_next_call(conn, &call), -EMSGSIZE);
}

/* epoll reports a hang-up also to who awaits nothing: it must not be reported for ever. */
static void hang_up_without_room(void **state)
{
	struct varlink_conn *conn = *state;
	struct varlink_call call;
	char block[1024];
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	_cleanup_fd_ int ours = pair[0];
	close(pair[1]);
	feed(conn, GET_STATUS);
	assert_int_equal(varlink_next_call(conn, &call), 1);
	memset(block, ' ', sizeof(block));
	while (varlink_wants_read(conn))
		varlink_feed(conn, block, sizeof(block));
	assert_int_equal(varlink_read(conn, ours), -ECONNRESET);
}

static void largest(void **state)
{
	struct varlink_conn *conn = *state;
	struct varlink_call call;
	char *text = malloc(VARLINK_REQUEST_MAX + 1);

	assert_non_null(text);
	memset(text, ' ', VARLINK_REQUEST_MAX);
	memcpy(text, GET_STATUS, strlen(GET_STATUS));
	text[VARLINK_REQUEST_MAX] = '\0';
	assert_int_equal(varlink_feed(conn, text, VARLINK_REQUEST_MAX), VARLINK_REQUEST_MAX);
	assert_int_equal(varlink_next_call(conn, &call), 0); /* whole but for its NUL */
	assert_int_equal(varlink_feed(conn, "", 1), 1);
	assert_int_equal(varlink_next_call(conn, &call), 1);
	free(text);
}

/* Not Varlink: the connection is beyond repair. */
static void bad_messages(void **state)
{
	static const char *const bad[] = {
		"",
		"hello",
		"[]",
		"\"text\"",
		"{}",
		"{\"method\":1}",
		"{\"method\":null}",
		GET_STATUS "x",
		GET_STATUS GET_STATUS,
		"{\"method\":\"io.test.A\",\"method\":\"io.test.B\"}",
		"{\"method\":\"io.test.A\\u0000B\"}",
		"{\"method\":\"io.test.\xff\"}",
		"{\"method\":\"io.test.A\",\"parameters\":[]}",
		"{\"method\":\"io.test.A\",\"parameters\":\"x\"}",
		"{\"method\":\"io.test.A\",\"more\":1}",
		"{\"method\":\"io.test.A\",\"oneway\":\"yes\"}",
		"{\"method\":\"io.test.A\",\"more\":true,\"oneway\":true}",
		"{\"method\":\"io.test.A\",\"parameters\":{\"a\":1,}}",
		"{\"method\":\"io.test.A\",\"parameters\":{\"a\":NaN}}",
		"{\"method\":\"io.test.A\",\"parameters\":{\"a\":99999999999999999999}}",
		"{\"method\":\"io.test.A\",\"parameters\":{\"a\":"
		"[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct varlink_conn *conn = varlink_new(&service);
		struct varlink_call call;
		int r;

		assert_non_null(conn);
		feed(conn, bad[i]);
		r = varlink_next_call(conn, &call);
		if (r != -EBADMSG)
			print_error("accepted: %s\n", bad[i]);
		assert_int_equal(r, -EBADMSG);
		varlink_free(conn);
	}
	(void)state;
}

static void null_and_unknown_members(void **state)
{
	struct varlink_conn *conn = *state;
	struct varlink_call call;

	feed(conn, "{\"method\":\"io.test.A\",\"parameters\":null,\"more\":null,\"later\":[1]}");
	assert_int_equal(varlink_next_call(conn, &call), 1);
	assert_int_equal(json_length(call.parameters), 0);
	assert_false(json_has(call.parameters, "a"));
}

static void streamed_replies(void **state)
{
	struct varlink_conn *conn = *state;
	struct varlink_call call;
	struct json *reply = json_new();

	feed(conn, "{\"method\":\"io.test.List\",\"more\":true}");
	assert_int_equal(varlink_next_call(conn, &call), 1);
	assert_true(call.more);
	json_set_int(reply, "n", 1);
	assert_int_equal(varlink_reply_more(conn, reply), 0);
	assert_true(varlink_is_busy(conn));
	assert_sent(conn, "{\"continues\":true,\"parameters\":{\"n\":1}}");
	assert_int_equal(varlink_reply(conn, NULL), 0);
	assert_false(varlink_is_busy(conn));
	assert_sent(conn, "{\"parameters\":{}}");
}

static void streaming_needs_more(void **state)
{
	struct varlink_conn *conn = *state;
	struct varlink_call call;

	feed(conn, GET_STATUS);
	assert_int_equal(varlink_next_call(conn, &call), 1);
	assert_int_equal(varlink_reply_more(conn, json_new()), -EPROTO);
	assert_int_equal(varlink_error_expected_more(conn), 0);
	assert_sent(conn, "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}");
}

static void oneway_is_silent(void **state)
{
	struct varlink_conn *conn = *state;
	struct varlink_call call;
	size_t len;

	feed(conn, "{\"method\":\"io.test.Reload\",\"oneway\":true}");
	assert_int_equal(varlink_next_call(conn, &call), 1);
	assert_true(call.oneway);
	assert_int_equal(varlink_error(conn, "Busy", NULL), 0);
	feed(conn, "{\"method\":\"no.such.Method\",\"oneway\":true}");
	assert_int_equal(varlink_next_call(conn, &call), 0);
	varlink_peek(conn, &len);
	assert_int_equal(len, 0);
	assert_false(varlink_is_busy(conn));
}

static void errors(void **state)
{
	struct varlink_conn *conn = *state;
	struct varlink_call call;
	struct json *parameters = json_new();

	feed(conn, GET_STATUS);
	assert_int_equal(varlink_next_call(conn, &call), 1);
	json_set_int(parameters, "cookie", 7);
	assert_int_equal(varlink_error(conn, "NoSuchConnection", parameters), 0);
	assert_sent(conn, "{\"error\":\"io.test.NoSuchConnection\",\"parameters\":{\"cookie\":7}}");

	feed(conn, GET_STATUS);
	assert_int_equal(varlink_next_call(conn, &call), 1);
	assert_int_equal(varlink_error_invalid_parameter(conn, "tx"), 0);
	assert_sent(conn, "{\"error\":\"org.varlink.service.InvalidParameter\","
			  "\"parameters\":{\"parameter\":\"tx\"}}");

	feed(conn, "{\"method\":\"io.test.Nothing\"}");
	assert_int_equal(varlink_next_call(conn, &call), 1);
	assert_int_equal(varlink_error_method_not_found(conn), 0);
	assert_sent(conn, "{\"error\":\"org.varlink.service.MethodNotFound\","
			  "\"parameters\":{\"method\":\"io.test.Nothing\"}}");
}

static void standard_service(void **state)
{
	static const struct {
		const char *call, *reply;
	} rows[] = {
		{ "{\"method\":\"org.varlink.service.GetInfo\"}", "{\"parameters\":{\"vendor\":"
								  "\"V\",\"product\":\"P\","
								  "\"version\":\"1\","
								  "\"url\":\"https://example.org/"
								  "\","
								  "\"interfaces\":[\"org.varlink."
								  "service\",\"io.test\"]}}" },
		{ "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
		  "\"parameters\":{\"interface\":\"io.test\"}}",
		  "{\"parameters\":{\"description\":"
		  "\"interface io.test\\nmethod GetStatus() -> ()\\n\"}}" },
		{ "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
		  "\"parameters\":{\"interface\":\"io.other\"}}",
		  "{\"error\":\"org.varlink.service.InterfaceNotFound\","
		  "\"parameters\":{\"interface\":\"io.other\"}}" },
		{ "{\"method\":\"org.varlink.service.GetInterfaceDescription\"}",
		  "{\"error\":\"org.varlink.service.InvalidParameter\","
		  "\"parameters\":{\"parameter\":\"interface\"}}" },
		{ "{\"method\":\"org.varlink.service.Nothing\"}", "{\"error\":\"org.varlink."
								  "service.MethodNotFound\","
								  "\"parameters\":{\"method\":"
								  "\"org.varlink.service.Nothing\"}"
								  "}" },
		{ "{\"method\":\"io.other.GetStatus\"}", "{\"error\":\"org.varlink.service."
							 "InterfaceNotFound\","
							 "\"parameters\":{\"interface\":\"io."
							 "other\"}}" },
		{ "{\"method\":\"nodots\"}", "{\"error\":\"org.varlink.service.InvalidParameter\","
					     "\"parameters\":{\"parameter\":\"method\"}}" },
	};
	struct varlink_conn *conn = *state;
	struct varlink_call call;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		feed(conn, rows[i].call);
		assert_int_equal(varlink_next_call(conn, &call), 0);
		assert_false(varlink_is_busy(conn));
		assert_sent(conn, rows[i].reply);
	}
	feed(conn, "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
		   "\"parameters\":{\"interface\":\"org.varlink.service\"}}");
	assert_int_equal(varlink_next_call(conn, &call), 0);
	size_t len;
	assert_non_null(strstr(varlink_peek(conn, &len), "method GetInfo() -> ("));
}

/* A client that does not read: the stream pauses, further calls wait, and all of it goes on. */
static void full_queue(void **state)
{
	static const char filler[] = "0123456789012345678901234567890123456789012345678901234567";
	struct varlink_conn *conn = *state;
	struct varlink_call call;
	size_t len, taken = 0, n_replies = 0;
	char sink[4096];
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	_cleanup_fd_ int ours = pair[0], theirs = pair[1];
	feed(conn, "{\"method\":\"io.test.List\",\"more\":true}");
	feed(conn, GET_STATUS);
	assert_int_equal(varlink_next_call(conn, &call), 1);
	for (; varlink_can_queue(conn); n_replies++) {
		struct json *reply = json_new();

		json_set_string(reply, "filler", filler);
		assert_int_equal(varlink_reply_more(conn, reply), 0);
	}
	varlink_peek(conn, &len);
	assert_in_range(len, VARLINK_QUEUE_LOW, VARLINK_QUEUE_LOW + 256);
	assert_int_equal(varlink_reply(conn, NULL), 0);
	assert_int_equal(varlink_next_call(conn, &call), 0); /* too much unsent */
	while (varlink_wants_write(conn)) {
		ssize_t n;

		assert_int_equal(varlink_write(conn, ours), 0);
		while ((n = recv(theirs, sink, sizeof(sink), MSG_DONTWAIT)) > 0)
			for (ssize_t i = 0; i < n; i++)
				taken += !sink[i];
	}
	assert_int_equal(taken, n_replies + 1);
	assert_int_equal(varlink_next_call(conn, &call), 1);
	assert_string_equal(call.method, "GetStatus");
}

static struct json *big_reply(size_t len)
{
	struct json *reply = json_new();
	char *text = malloc(len + 1);

	assert_non_null(text);
	memset(text, 'x', len);
	text[len] = '\0';
	json_set_string(reply, "text", text);
	free(text);
	return reply;
}

static void queue_is_bounded(void **state)
{
	struct varlink_conn *conn = *state;
	struct varlink_call call;
	size_t len;

	feed(conn, "{\"method\":\"io.test.List\",\"more\":true}");
	assert_int_equal(varlink_next_call(conn, &call), 1);
	assert_int_equal(varlink_reply_more(conn, big_reply(VARLINK_QUEUE_MAX / 2)), 0);
	assert_int_equal(varlink_reply_more(conn, big_reply(VARLINK_QUEUE_MAX / 2)), -ENOBUFS);
	varlink_peek(conn, &len);
	assert_in_range(len, VARLINK_QUEUE_MAX / 2, VARLINK_QUEUE_MAX);
	assert_int_equal(varlink_reply(conn, big_reply(VARLINK_QUEUE_MAX)), -ENOBUFS);
	assert_false(varlink_is_busy(conn));
}

static void failed_value_is_not_sent(void **state)
{
	struct varlink_conn *conn = *state;
	struct varlink_call call;
	struct json *reply = json_new();
	size_t len;

	feed(conn, GET_STATUS);
	assert_int_equal(varlink_next_call(conn, &call), 1);
	json_set(reply, "child", NULL); /* what a failed allocation leaves */
	assert_int_equal(varlink_reply(conn, reply), -ENOMEM);
	varlink_peek(conn, &len);
	assert_int_equal(len, 0);
	assert_false(varlink_is_busy(conn));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(split_at_every_byte),	CASE(two_messages_in_one_read),
		CASE(last_call_before_close),	CASE(too_large),
		CASE(hang_up_without_room),	CASE(largest),
		cmocka_unit_test(bad_messages), CASE(null_and_unknown_members),
		CASE(streamed_replies),		CASE(streaming_needs_more),
		CASE(oneway_is_silent),		CASE(errors),
		CASE(standard_service),		CASE(full_queue),
		CASE(queue_is_bounded),		CASE(failed_value_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
