/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes what the API socket reads: the first byte sizes the chunks, the rest is the stream. Calls
 * that come out are answered the ways the API does; bounds hold after every step.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_text.h"
#include "base/util.h"
#include "base/varlink.h"

static const struct varlink_service service = {
	.vendor = "fuzz",
	.product = "fuzz",
	.version = "0",
	.url = "",
	.interface = "io.ktlsd",
	.description = "interface io.ktlsd\n",
};

static void require(int condition)
{
	if (!condition)
		abort();
}

static int answer(struct varlink_conn *conn, struct varlink_call *call)
{
	struct json *echo;
	const char *text;
	int64_t cookie;

	require(call->method && !strchr(call->method, '.') && call->parameters);
	if (!json_get_int(call->parameters, "cookie", &cookie)) {
		echo = json_new();
		json_set_int(echo, "cookie", cookie);
		return varlink_error(conn, "NoSuchConnection", echo);
	}
	if (json_get_string(call->parameters, "listener", &text))
		return varlink_error_invalid_parameter(conn, "listener");
	if (call->more) {
		echo = json_new();
		json_set_string(echo, "listener", text);
		require(!varlink_reply_more(conn, echo));
	}
	echo = json_new();
	json_set_member(echo, "listener", call->parameters, "listener");
	return varlink_reply(conn, echo);
}

/* What is queued is whole messages, each an object that reads back. */
static void check_queue(const struct varlink_conn *conn)
{
	size_t len;
	const char *text = varlink_peek(conn, &len);

	require(len <= VARLINK_QUEUE_MAX);
	while (len) {
		const char *end = memchr(text, '\0', len);
		struct json *json = NULL;

		require(end && !json_parse(text, (size_t)(end - text), &json, NULL, 0));
		json_free(json);
		len -= (size_t)(end - text) + 1;
		text = end + 1;
	}
}

/* What the parser takes has members that are found without it, within the text. */
static void check_text(const char *text, size_t len)
{
	struct json_text_member members[] = { { .key = "method" }, { .key = "parameters" } };
	struct json *json = NULL;
	int parsed = json_parse(text, len, &json, NULL, 0);
	int found = json_text_find_all(text, len, members, ARRAY_SIZE(members));

	require(parsed || !found);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		require(!members[i].value || (members[i].len && members[i].value > text &&
					      members[i].value + members[i].len <= text + len));
	json_free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct varlink_conn *conn = varlink_new(&service);
	size_t chunk = size ? data[0] + 1u : 1, at = size > 0;
	struct varlink_call call;
	int r = 0;

	require(conn != NULL);
	check_text((const char *)data + at, size - at);
	while (r >= 0 && at < size) {
		size_t n = varlink_feed(conn, data + at, size - at < chunk ? size - at : chunk);

		at += n;
		while ((r = varlink_next_call(conn, &call)) == 1)
			require(!answer(conn, &call));
		if (!n)
			break; /* the queue is full: nobody reads here */
	}
	check_queue(conn);
	varlink_free(conn);
	return 0;
}
