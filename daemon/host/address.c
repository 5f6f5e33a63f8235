/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes address texts apart and resolves names in a child; opens no listening socket. */
#include "host/address.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "base/value.h"
#include "host/config.h"

enum { NOBODY = 65534 }; /* the overflow id of user_namespaces(7), which owns nothing */

/* What the child sends back. */
struct answer {
	int error; /* of getaddrinfo(), 0: address is filled */
	struct config_address address;
};

int address_split(const char *text, struct address_text *parts, const char **why)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	uint64_t port;

	*why = "needs a port: HOST:PORT";
	if (!colon || !len)
		return -EINVAL;
	*why = "needs a port from 1 to 65535 after its last colon";
	if (value_parse_number(colon + 1, &port) < 0 || port < 1 || port > UINT16_MAX)
		return -EINVAL;
	if (text[0] == '[') {
		*why = "has no ']' before its port";
		if (len < 3 || text[len - 1] != ']')
			return -EINVAL;
		text++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		*why = "is IPv6 without brackets: write [ADDRESS]:PORT";
		return -EINVAL;
	}
	*why = "has a host name that is too long";
	if (len > ADDRESS_HOST_MAX)
		return -EINVAL;
	*why = "names no host: write 0.0.0.0 or [::] for all addresses";
	if (*text == '*')
		return -EINVAL;
	memcpy(parts->host, text, len);
	parts->host[len] = '\0';
	snprintf(parts->port, sizeof(parts->port), "%u", (unsigned)port);
	return 0;
}

/* getaddrinfo() into the answer; flags: AI_*. */
static void look_up(const struct address_text *parts, int flags, struct answer *answer)
{
	struct addrinfo hints = { .ai_flags = flags, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;

	memset(answer, 0, sizeof(*answer));
	answer->error = getaddrinfo(parts->host, parts->port, &hints, &found);
	if (answer->error)
		return;
	memcpy(answer->address.bytes, found->ai_addr, found->ai_addrlen);
	answer->address.len = found->ai_addrlen;
	freeaddrinfo(found);
}

/* The child: gives up what a hostile answer could use, asks, answers. */
static _Noreturn void run_child(const struct address_text *parts, int fd)
{
	struct answer answer;
	ssize_t n = -1;

	if (geteuid() || (!setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
			  !setresuid(NOBODY, NOBODY, NOBODY))) {
		look_up(parts, AI_ADDRCONFIG | AI_NUMERICSERV, &answer);
		n = write(fd, &answer, sizeof(answer)); /* < PIPE_BUF: whole or not at all */
	}
	_exit(n != (ssize_t)sizeof(answer));
}

/* Waits for the answer until the deadline: 0, -ETIMEDOUT, -EPROTO when the child failed. */
static int await(int fd, unsigned timeout_ms, struct answer *answer)
{
	uint64_t deadline = now_ns() + timeout_ms * NS_PER_MS;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		uint64_t now = now_ns();
		int n = now < deadline ? poll(&p, 1, (int)((deadline - now) / NS_PER_MS) + 1) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0 || read(fd, answer, sizeof(*answer)) != (ssize_t)sizeof(*answer))
			return -EPROTO;
		return 0;
	}
}

/* Runs the child and ends it: 0 with the answer, or a negative errno. */
static int ask(const struct address_text *parts, unsigned timeout_ms, struct answer *answer)
{
	_cleanup_fd_ int from = -1;
	_cleanup_fd_ int to = -1;
	int fds[2];
	pid_t child;
	int r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	from = fds[0];
	to = fds[1];
	child = fork();
	if (child < 0)
		return -errno;
	if (!child)
		run_child(parts, to);
	fd_close(&to);
	r = await(from, timeout_ms, answer);
	kill(child, SIGKILL); /* it has answered, or is too late */
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	if (!r && !answer->error && answer->address.len > sizeof(answer->address.bytes))
		return -EPROTO;
	return r;
}

static const char *resolver_error(int error)
{
	switch (error) {
	case EAI_NONAME:
		return "has a name that the resolver does not know";
	case EAI_AGAIN:
		return "has a name that the resolver cannot look up now; is the network up?";
	default:
		return "has a name that the resolver failed to look up";
	}
}

int address_resolve(const struct address_text *parts, unsigned timeout_ms,
		    struct config_address *address, const char **why)
{
	struct answer answer;
	int r = 0;

	look_up(parts, AI_NUMERICHOST | AI_NUMERICSERV, &answer);
	if (answer.error == EAI_NONAME)
		r = ask(parts, timeout_ms, &answer);
	if (r < 0) {
		*why = r == -ETIMEDOUT ? "has a name that the resolver did not answer for in time" :
					 "has a name, and the resolver could not be run";
		return r;
	}
	if (answer.error) {
		*why = resolver_error(answer.error);
		return -EADDRNOTAVAIL;
	}
	*address = answer.address;
	return 0;
}

int address_unix(const char *path, struct config_address *address)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	if (!len || len >= sizeof(sun.sun_path))
		return -EINVAL;
	memcpy(sun.sun_path, path, len + 1);
	memset(address, 0, sizeof(*address));
	address->len = offsetof(struct sockaddr_un, sun_path) + (uint32_t)len;
	if (*path == '@')
		sun.sun_path[0] = '\0'; /* unix(7): the length bounds an abstract name */
	else
		address->len++;
	memcpy(address->bytes, &sun, sizeof(sun));
	return 0;
}

bool address_equals(const struct config_address *a, const struct config_address *b)
{
	return a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}
