/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One Varlink call from start to end: connect, send, take replies until the last or the deadline. */
#include "base/varlink_client.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/json.h"
#include "base/json_text.h"
#include "base/util.h"

struct client {
	int fd; /* owned */
	uint64_t deadline_ns;
	char *in;     /* owned */
	size_t start; /* first byte not yet taken */
	size_t end, size;
	size_t scanned; /* no NUL before this one */
};

static void client_cleanup(struct client *client)
{
	fd_close(&client->fd);
	free(client->in);
}

static uint64_t deadline_of(int timeout_ms)
{
	return now_ns() + (uint64_t)timeout_ms * NS_PER_MS;
}

static uint64_t left_ns(const struct client *client)
{
	uint64_t now = now_ns();

	return client->deadline_ns > now ? client->deadline_ns - now : 0;
}

/* Waits for the socket: 0, -ETIMEDOUT or another errno. */
static int client_wait(const struct client *client, short events)
{
	struct pollfd poll_fd = { .fd = client->fd, .events = events };

	for (;;) {
		int n = poll(&poll_fd, 1, (int)((left_ns(client) + NS_PER_MS - 1) / NS_PER_MS));

		if (n > 0)
			return 0;
		if (!n)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int client_connect(struct client *client, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uint64_t left = left_ns(client) / 1000;
	/* connect() on a unix socket waits for a place in the backlog as long as a send may; of
	 * zero it would wait for ever. */
	struct timeval timeout = { .tv_sec = (time_t)(left / 1000000),
				   .tv_usec = left ? (suseconds_t)(left % 1000000) : 1 };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return -errno;
	if (setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)))
		return -errno;
	if (connect(client->fd, (struct sockaddr *)&address, sizeof(address)))
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return 0;
}

static int client_send(struct client *client, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(client->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		int r;

		if (n >= 0) {
			bytes += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EPIPE)
			return -ECONNRESET;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		r = client_wait(client, POLLOUT);
		if (r)
			return r;
	}
	return 0;
}

static int call_send(struct client *client, const char *method, struct json *parameters, bool more)
{
	_cleanup_json_ struct json *call = json_new();
	_cleanup_free_ char *text = NULL;

	json_set_string(call, "method", method);
	json_set(call, "parameters", parameters ? parameters : json_new());
	if (more)
		json_set_bool(call, "more", true);
	text = json_print(call);
	if (!text)
		return -ENOMEM;
	return client_send(client, text, strlen(text) + 1);
}

/* Makes room for at least one byte: 0 or an error. */
static int client_reserve(struct client *client)
{
	size_t len = client->end - client->start, size = client->size ? client->size * 2 : 64 << 10;
	char *in;

	if (client->end < client->size)
		return 0;
	if (client->start) {
		memmove(client->in, client->in + client->start, len);
		client->scanned -= client->start;
		client->start = 0;
		client->end = len;
		return 0;
	}
	if (len > VARLINK_REPLY_MAX)
		return -EMSGSIZE;
	in = realloc(client->in, size);
	if (!in)
		return -ENOMEM;
	client->in = in;
	client->size = size;
	return 0;
}

/* Reads once: 0 or an error. */
static int client_fill(struct client *client)
{
	int r = client_reserve(client);
	ssize_t n;

	if (r)
		return r;
	n = recv(client->fd, client->in + client->end, client->size - client->end, MSG_DONTWAIT);
	if (!n)
		return -ECONNRESET;
	if (n < 0 && errno == EAGAIN)
		return client_wait(client, POLLIN);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	client->end += (size_t)n;
	return 0;
}

static const char *message_end(const struct client *client)
{
	size_t n = client->end - client->scanned;

	return n ? memchr(client->in + client->scanned, '\0', n) : NULL;
}

/* The next message, without its NUL, until the next call: 0 or an error. */
static int message_read(struct client *client, const char **text, size_t *len)
{
	const char *end;

	while (!(end = message_end(client))) {
		int r;

		client->scanned = client->end;
		r = client_fill(client);
		if (r)
			return r;
	}
	*text = client->in + client->start;
	*len = (size_t)(end - *text);
	client->start = client->scanned = (size_t)(end - client->in) + 1;
	return 0;
}

static int failure_take(struct json *message, const char *error, struct varlink_failure *failure)
{
	struct json *parameters;
	int r = json_get_object(message, "parameters", &parameters);

	if (r && r != -ENOENT)
		return r == -EINVAL ? -EBADMSG : r;
	snprintf(failure->error, sizeof(failure->error), "%s", error);
	failure->parameters = r ? json_new() : json_share(parameters);
	return failure->parameters ? -EREMOTEIO : -ENOMEM;
}

/* Who gets the replies: one of the two is set. */
struct taker {
	int (*each_reply)(struct json *reply, void *arg);
	int (*each_text)(const char *text, size_t len, void *arg);
	void *arg;
	bool more;
};

/* One reply: 1 when it was the last, 0 when others follow, or an error. */
static int reply_take(struct json *message, const struct taker *taker,
		      struct varlink_failure *failure)
{
	_cleanup_json_ struct json *empty = NULL;
	struct json *parameters;
	bool continues = false;
	const char *error;
	int r = json_get_string(message, "error", &error);

	if (!r)
		return failure_take(message, error, failure);
	if (r != -ENOENT || !taker->each_reply)
		return -EBADMSG;
	r = json_get_bool(message, "continues", &continues);
	if (r == -EINVAL || (continues && !taker->more))
		return -EBADMSG;
	r = json_get_object(message, "parameters", &parameters);
	if (r == -ENOENT) {
		empty = json_new();
		parameters = empty;
	} else if (r) {
		return r == -EINVAL ? -EBADMSG : r;
	}
	if (!parameters)
		return -ENOMEM;
	r = taker->each_reply(parameters, taker->arg);
	return r < 0 ? r : !continues;
}

/* The same with the reply's text; -EREMOTEIO: it may be an error, which reply_take() knows. */
static int text_take(const char *text, size_t len, const struct taker *taker)
{
	enum { ERROR, CONTINUES, PARAMETERS, N_MEMBERS };
	struct json_text_member members[N_MEMBERS] = { { .key = "error" },
						       { .key = "continues" },
						       { .key = "parameters" } };
	const struct json_text_member *continues = &members[CONTINUES];
	int r = json_text_find_all(text, len, members, N_MEMBERS);

	if (r)
		return r;
	if (members[ERROR].value || !members[PARAMETERS].value)
		return members[ERROR].value ? -EREMOTEIO : -EBADMSG;
	r = taker->each_text(members[PARAMETERS].value, members[PARAMETERS].len, taker->arg);
	if (r < 0)
		return r;
	return !(continues->value && continues->len == strlen("true") &&
		 !memcmp(continues->value, "true", continues->len));
}

static int message_take(const char *text, size_t len, const struct taker *taker,
			struct varlink_failure *failure)
{
	_cleanup_json_ struct json *message = NULL;
	int r = taker->each_text ? text_take(text, len, taker) : -EREMOTEIO;

	if (r != -EREMOTEIO)
		return r;
	r = json_parse(text, len, &message, NULL, 0);
	return r ? r : reply_take(message, taker, failure);
}

static int call(const char *path, const char *method, struct json *parameters,
		const struct taker *taker, int timeout_ms, struct varlink_failure *failure)
{
	__attribute__((cleanup(client_cleanup))) struct client client = {
		.fd = -1, .deadline_ns = deadline_of(timeout_ms)
	};
	int r = client_connect(&client, path);

	*failure = (struct varlink_failure){ 0 };
	if (r) {
		json_free(parameters);
		return r;
	}
	r = call_send(&client, method, parameters, taker->more);
	while (!r) {
		const char *text;
		size_t len;

		r = message_read(&client, &text, &len);
		if (!r)
			r = message_take(text, len, taker, failure);
		/* A long stream is no slow server. */
		client.deadline_ns = deadline_of(timeout_ms);
	}
	return r < 0 ? r : 0;
}

int varlink_client_call(const char *path, const char *method, struct json *parameters, bool more,
			int (*each_reply)(struct json *reply, void *arg), void *arg, int timeout_ms,
			struct varlink_failure *failure)
{
	struct taker taker = { .each_reply = each_reply, .arg = arg, .more = more };

	return call(path, method, parameters, &taker, timeout_ms, failure);
}

int varlink_client_call_text(const char *path, const char *method, struct json *parameters,
			     int (*each_reply)(const char *text, size_t len, void *arg), void *arg,
			     int timeout_ms, struct varlink_failure *failure)
{
	struct taker taker = { .each_text = each_reply, .arg = arg, .more = true };

	return call(path, method, parameters, &taker, timeout_ms, failure);
}
