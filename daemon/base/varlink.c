/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's side of a Varlink connection: framing, the call envelope, the queue of replies. */
#include "base/varlink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/json.h"
#include "base/util.h"
#include "base/varlink_service.h"

struct varlink_conn {
	const struct varlink_service *service; /* the caller's */

	char *in;	 /* VARLINK_REQUEST_MAX + 1 bytes; owned */
	size_t in_start; /* first byte not yet given out */
	size_t in_end;
	size_t in_scanned; /* no NUL before this one */

	char *out;	  /* owned */
	size_t out_start; /* first unsent byte */
	size_t out_end, out_size;

	struct json *call;  /* the open call's envelope, or NULL; owned */
	const char *method; /* of the open call, with its interface; the envelope's */
	bool more, oneway;
};

struct varlink_conn *varlink_new(const struct varlink_service *service)
{
	struct varlink_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->service = service;
	conn->in = malloc(VARLINK_REQUEST_MAX + 1);
	if (conn->in)
		return conn;
	varlink_free(conn);
	return NULL;
}

void varlink_free(struct varlink_conn *conn)
{
	if (!conn)
		return;
	json_free(conn->call);
	free(conn->in);
	free(conn->out);
	free(conn);
}

/* Makes room at the end and says how much there is. */
static size_t in_room(struct varlink_conn *conn)
{
	size_t len = conn->in_end - conn->in_start;

	if (conn->in_start) {
		memmove(conn->in, conn->in + conn->in_start, len);
		conn->in_scanned -= conn->in_start;
		conn->in_start = 0;
		conn->in_end = len;
	}
	return VARLINK_REQUEST_MAX + 1 - len;
}

int varlink_read(struct varlink_conn *conn, int fd)
{
	size_t room = in_room(conn);
	ssize_t n;

	if (!room)
		return -ECONNRESET;
	/* Once: what came before the end of the stream is still answered. */
	n = recv(fd, conn->in + conn->in_end, room, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -ECONNRESET;
	conn->in_end += (size_t)n;
	return 0;
}

size_t varlink_feed(struct varlink_conn *conn, const void *bytes, size_t len)
{
	size_t n = MIN_OF(in_room(conn), len);

	memcpy(conn->in + conn->in_end, bytes, n);
	conn->in_end += n;
	return n;
}

/* The next whole message without its NUL, which stays in the buffer: 1, 0 or -EMSGSIZE. */
static int message_take(struct varlink_conn *conn, const char **text, size_t *len)
{
	const char *start = conn->in + conn->in_start;
	const char *end =
		memchr(conn->in + conn->in_scanned, '\0', conn->in_end - conn->in_scanned);

	if (!end) {
		conn->in_scanned = conn->in_end;
		return conn->in_end - conn->in_start > VARLINK_REQUEST_MAX ? -EMSGSIZE : 0;
	}
	*text = start;
	*len = (size_t)(end - start);
	conn->in_start += *len + 1;
	conn->in_scanned = conn->in_start;
	return 1;
}

/* 0 also when the member is absent: *out keeps its default. */
static int optional(int r)
{
	return r == -ENOENT ? 0 : r == -EINVAL ? -EBADMSG : r;
}

/* Opens the call that the message says: 0, -EBADMSG or -ENOMEM. */
static int call_open(struct varlink_conn *conn, const char *text, size_t len)
{
	_cleanup_json_ struct json *envelope = NULL;
	bool more = false, oneway = false;
	const char *method;
	int r = json_parse(text, len, &envelope, NULL, 0);

	if (r)
		return r;
	if (json_get_string(envelope, "method", &method))
		return -EBADMSG;
	r = optional(json_get_bool(envelope, "more", &more));
	if (!r)
		r = optional(json_get_bool(envelope, "oneway", &oneway));
	if (r || (more && oneway))
		return -EBADMSG;
	conn->call = envelope;
	envelope = NULL;
	conn->method = method;
	conn->more = more;
	conn->oneway = oneway;
	return 0;
}

static void call_close(struct varlink_conn *conn)
{
	json_free(conn->call);
	conn->call = NULL;
	conn->method = NULL;
}

/* The open call's parameters: 0, -EBADMSG or -ENOMEM. */
static int call_parameters(struct varlink_conn *conn, struct json **out)
{
	int r = json_get_object(conn->call, "parameters", out);

	if (r != -ENOENT)
		return optional(r);
	json_set(conn->call, "parameters", json_new());
	return json_get_object(conn->call, "parameters", out) ? -ENOMEM : 0;
}

static int out_reserve(struct varlink_conn *conn, size_t n)
{
	size_t len = conn->out_end - conn->out_start, size = conn->out_size;
	char *out;

	if (n > VARLINK_QUEUE_MAX - len)
		return -ENOBUFS;
	if (conn->out_start) {
		memmove(conn->out, conn->out + conn->out_start, len);
		conn->out_start = 0;
		conn->out_end = len;
	}
	if (size - len >= n)
		return 0;
	if (!size)
		size = 4096;
	while (size < len + n)
		size *= 2;
	out = realloc(conn->out, size);
	if (!out)
		return -ENOMEM;
	conn->out = out;
	conn->out_size = size;
	return 0;
}

/* Queues one message and frees it. */
static int out_append(struct varlink_conn *conn, struct json *message)
{
	_cleanup_json_ struct json *owned = message;
	_cleanup_free_ char *text = json_print(owned);
	size_t n;
	int r;

	if (!text)
		return -ENOMEM;
	n = strlen(text) + 1;
	r = out_reserve(conn, n);
	if (r)
		return r;
	memcpy(conn->out + conn->out_end, text, n);
	conn->out_end += n;
	return 0;
}

/* Queues a message of the open call; `parameters` and `message` become its own. */
static int answer(struct varlink_conn *conn, struct json *message, struct json *parameters)
{
	json_set(message, "parameters", parameters);
	if (!conn->oneway)
		return out_append(conn, message);
	json_free(message);
	return 0;
}

int varlink_reply(struct varlink_conn *conn, struct json *parameters)
{
	int r = answer(conn, json_new(), parameters ? parameters : json_new());

	call_close(conn);
	return r;
}

int varlink_reply_more(struct varlink_conn *conn, struct json *parameters)
{
	struct json *message;

	if (!conn->more) {
		json_free(parameters);
		return -EPROTO;
	}
	message = json_new();
	json_set_bool(message, "continues", true);
	return answer(conn, message, parameters ? parameters : json_new());
}

int varlink_error(struct varlink_conn *conn, const char *error, struct json *parameters)
{
	struct json *message = json_new();
	char name[128];
	int r;

	if (!strchr(error, '.')) {
		snprintf(name, sizeof(name), "%s.%s", conn->service->interface, error);
		error = name;
	}
	json_set_string(message, "error", error);
	r = answer(conn, message, parameters ? parameters : json_new());
	call_close(conn);
	return r;
}

int varlink_error_invalid_parameter(struct varlink_conn *conn, const char *parameter)
{
	return varlink_service_error(conn, "InvalidParameter", "parameter", parameter);
}

int varlink_error_method_not_found(struct varlink_conn *conn)
{
	return varlink_service_error(conn, "MethodNotFound", "method", conn->method);
}

int varlink_error_expected_more(struct varlink_conn *conn)
{
	return varlink_service_error(conn, "ExpectedMore", NULL, NULL);
}

/* Gives the open call out (1), or answers what is not for the caller (0). */
static int call_dispatch(struct varlink_conn *conn, struct varlink_call *call)
{
	const char *dot = strrchr(conn->method, '.');
	_cleanup_free_ char *interface = NULL;
	struct json *parameters;
	int r = call_parameters(conn, &parameters);

	if (r)
		return r;
	if (!dot)
		return varlink_error_invalid_parameter(conn, "method");
	interface = strndup(conn->method, (size_t)(dot - conn->method));
	if (!interface)
		return -ENOMEM;
	if (!strcmp(interface, VARLINK_SERVICE))
		return varlink_service_call(conn, conn->service, dot + 1, parameters);
	if (strcmp(interface, conn->service->interface) != 0)
		return varlink_service_error(conn, "InterfaceNotFound", "interface", interface);
	*call = (struct varlink_call){ .method = dot + 1,
				       .parameters = parameters,
				       .more = conn->more,
				       .oneway = conn->oneway };
	return 1;
}

int varlink_next_call(struct varlink_conn *conn, struct varlink_call *call)
{
	const char *text;
	size_t len;
	int r = 0;

	while (!r && !varlink_is_busy(conn) && varlink_can_queue(conn)) {
		r = message_take(conn, &text, &len);
		if (r <= 0)
			return r;
		r = call_open(conn, text, len);
		if (!r)
			r = call_dispatch(conn, call);
	}
	return r;
}

bool varlink_is_busy(const struct varlink_conn *conn)
{
	return conn->call;
}

bool varlink_can_queue(const struct varlink_conn *conn)
{
	return conn->out_end - conn->out_start < VARLINK_QUEUE_LOW;
}

int varlink_write(struct varlink_conn *conn, int fd)
{
	while (conn->out_start < conn->out_end) {
		ssize_t n = send(fd, conn->out + conn->out_start, conn->out_end - conn->out_start,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		conn->out_start += (size_t)n;
	}
	conn->out_start = conn->out_end = 0;
	return 0;
}

bool varlink_wants_read(const struct varlink_conn *conn)
{
	return conn->in_end - conn->in_start <= VARLINK_REQUEST_MAX;
}

bool varlink_wants_write(const struct varlink_conn *conn)
{
	return conn->out_start < conn->out_end;
}

const char *varlink_peek(const struct varlink_conn *conn, size_t *len)
{
	*len = conn->out_end - conn->out_start;
	return *len ? conn->out + conn->out_start : "";
}
