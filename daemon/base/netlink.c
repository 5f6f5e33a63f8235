/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the kernel by netlink; must not know what for. */
#include "base/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/capability.h"
#include "base/netlink_parse.h"
#include "base/util.h"

enum {
	TRIES = 3,
	REQUEST_SIZE = 256,
	/* The kernel fills up to this much if the reader has it. */
	ANSWER_SIZE = 32768,
};

/* A request; the kernel wants its header aligned. */
union request {
	struct nlmsghdr header;
	char buf[REQUEST_SIZE];
};

/* Gets each message of an answer. 0 or -errno. */
typedef int message_fn(const void *message, size_t len, void *arg);

struct answer {
	message_fn *each;
	void *arg;
};

/* Structures of one size, in the order of their coming. */
struct list {
	char *items;
	size_t n, room;
};

static void *list_add(struct list *list, const void *item, size_t size)
{
	size_t room = list->room ? 2 * list->room : 16;
	void *items;

	if (list->n == list->room) {
		items = reallocarray(list->items, room, size);
		if (!items)
			return NULL;
		list->items = items;
		list->room = room;
	}
	return memcpy(list->items + size * list->n++, item, size);
}

static void list_cleanup(struct list *list)
{
	free(list->items);
}

static void socket_cleanup(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

static int on_message(const struct nlmsghdr *nlh, void *arg)
{
	struct answer *answer = arg;
	int r = answer->each(nlh, nlh->nlmsg_len, answer->arg);

	errno = -r;
	return r ? MNL_CB_ERROR : MNL_CB_OK;
}

/* NLMSG_ERROR, which is also the acknowledgement, and NLMSG_DONE: both begin with an errno. */
static int on_end(const struct nlmsghdr *nlh, void *arg)
{
	int error;

	(void)arg;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(error)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	errno = -error;
	return error < 0 ? MNL_CB_ERROR : MNL_CB_STOP;
}

/* Waits for the rest of the time. 0 or -errno. */
static int receive(struct mnl_socket *socket, uint64_t deadline, void *buf, size_t *len)
{
	uint64_t now = now_ns(), left = deadline > now ? deadline - now : 0;
	struct timeval timeout = { .tv_sec = (time_t)(left / 1000 / 1000000),
				   .tv_usec = (suseconds_t)(left / 1000 % 1000000) };
	ssize_t n;

	if (!timeout.tv_sec && !timeout.tv_usec) /* which would be for ever */
		return -ETIMEDOUT;
	if (setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)))
		return -errno;
	n = mnl_socket_recvfrom(socket, buf, ANSWER_SIZE);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : errno == ENOSPC ? -EBADMSG : -errno;
	*len = (size_t)n;
	return 0;
}

static int ask_once(int bus, struct nlmsghdr *request, struct answer *answer)
{
	mnl_cb_t ends[] = { [NLMSG_ERROR] = on_end, [NLMSG_DONE] = on_end };
	__attribute__((cleanup(socket_cleanup))) struct mnl_socket *socket = NULL;
	_cleanup_free_ char *buf = malloc(ANSWER_SIZE);
	uint64_t deadline = now_ns() + NETLINK_DEADLINE_MS * NS_PER_MS;
	size_t len = 0;
	int r;

	if (!buf)
		return -ENOMEM;
	socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		r = receive(socket, deadline, buf, &len);
		if (r == -EINTR) /* a signal */
			continue;
		if (r)
			return r;
		r = mnl_cb_run2(buf, len, 0, mnl_socket_get_portid(socket), on_message, answer,
				ends, ARRAY_SIZE(ends));
		if (r <= MNL_CB_STOP)
			return r == MNL_CB_STOP ? 0 : -errno;
	}
}

/*
 * Sends the request and hands over each message of the answer. The kernel marks a dump that was
 * disturbed, in which something may be missing or twice (libmnl: EINTR): another try begins with
 * *n, which counts what `each` appends somewhere, as it was.
 */
static int ask(int bus, struct nlmsghdr *request, message_fn *each, void *arg, size_t *n)
{
	struct answer answer = { each, arg };
	size_t n_before = *n;
	int r = -EINTR;

	for (int i = 0; i < TRIES && r == -EINTR; i++) {
		*n = n_before;
		r = ask_once(bus, request, &answer);
	}
	return r;
}

/* Begins a request in its buffer, which lends its header. */
static struct nlmsghdr *request_begin(union request *request, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request->buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	return nlh;
}

static struct nlmsghdr *request_begin_generic(union request *request, uint16_t family,
					      uint8_t command)
{
	struct nlmsghdr *nlh = request_begin(request, family, NLM_F_ACK);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	genl->cmd = command;
	genl->version = 1;
	return nlh;
}

/* ---- sockets ---- */

static int on_socket(const void *message, size_t len, void *arg)
{
	struct netlink_socket socket;
	int r = netlink_parse_socket(message, len, &socket);

	if (r)
		return r == -ENODATA ? 0 : r;
	return list_add(arg, &socket, sizeof(socket)) ? 0 : -ENOMEM;
}

static int list_family(uint8_t family, struct list *list)
{
	union request request;
	struct nlmsghdr *nlh = request_begin(&request, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	struct inet_diag_req_v2 *diag = mnl_nlmsg_put_extra_header(nlh, sizeof(*diag));

	diag->sdiag_family = family;
	diag->sdiag_protocol = IPPROTO_TCP;
	diag->idiag_ext = 1 << (INET_DIAG_INFO - 1); /* without it no word of ULPs */
	/* Those in which a socket can have the ULP. */
	diag->idiag_states = 1 << TCP_ESTABLISHED | 1 << TCP_FIN_WAIT1 | 1 << TCP_FIN_WAIT2 |
			     1 << TCP_CLOSE_WAIT | 1 << TCP_LAST_ACK | 1 << TCP_CLOSING;
	return ask(NETLINK_SOCK_DIAG, nlh, on_socket, list, &list->n);
}

int netlink_list_sockets(netlink_socket_fn *each, void *arg)
{
	__attribute__((cleanup(list_cleanup))) struct list list = { 0 };
	const struct netlink_socket *socket;
	int r = list_family(AF_INET, &list);
	int r6 = r ? 0 : list_family(AF_INET6, &list);

	if (r6 && r6 != -ENOENT) /* a kernel without IPv6 */
		r = r6;
	if (!r && !list.n && !capability_is_effective(CAP_NET_ADMIN))
		r = -EPERM;
	socket = (const struct netlink_socket *)list.items;
	for (size_t i = 0; i < list.n && !r; i++)
		r = each(&socket[i], arg);
	return r;
}

/* ---- devices ---- */

static int on_link(const void *message, size_t len, void *arg)
{
	struct netlink_device device;
	int r = netlink_parse_link(message, len, &device);

	if (r)
		return r;
	return list_add(arg, &device, sizeof(device)) ? 0 : -ENOMEM;
}

static int on_features(const void *message, size_t len, void *arg)
{
	return netlink_parse_features(message, len, arg);
}

/* Of one device: all of them at once would have to fit into the kernel's first, small buffer. */
static int get_features(uint16_t family, struct netlink_device *device)
{
	union request request;
	struct nlmsghdr *nlh = request_begin_generic(&request, family, ETHTOOL_MSG_FEATURES_GET);
	struct nlattr *nest = mnl_attr_nest_start(nlh, ETHTOOL_A_FEATURES_HEADER);
	size_t none = 0;
	int r;

	mnl_attr_put_u32(nlh, ETHTOOL_A_HEADER_DEV_INDEX, device->ifindex);
	mnl_attr_nest_end(nlh, nest);
	r = ask(NETLINK_GENERIC, nlh, on_features, device, &none);
	return r == -ENODEV ? 0 : r; /* gone meanwhile */
}

static int list_links(struct list *list)
{
	union request request;
	struct nlmsghdr *nlh = request_begin(&request, RTM_GETLINK, NLM_F_DUMP);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return ask(NETLINK_ROUTE, nlh, on_link, list, &list->n);
}

int netlink_list_devices(netlink_device_fn *each, void *arg)
{
	__attribute__((cleanup(list_cleanup))) struct list list = { 0 };
	struct netlink_device *device;
	uint16_t family = 0;
	int r = list_links(&list);

	if (!r)
		r = netlink_find_family(ETHTOOL_GENL_NAME, &family);
	if (r == -ENOENT)
		r = 0;
	device = (struct netlink_device *)list.items;
	for (size_t i = 0; i < list.n && family && !r; i++)
		r = get_features(family, &device[i]);
	for (size_t i = 0; i < list.n && !r; i++)
		r = each(&device[i], arg);
	return r;
}

/* ---- families ---- */

static int on_family(const void *message, size_t len, void *arg)
{
	return netlink_parse_family(message, len, arg);
}

int netlink_find_family(const char *name, uint16_t *id)
{
	union request request;
	struct nlmsghdr *nlh = request_begin_generic(&request, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	size_t none = 0;

	if (strlen(name) >= GENL_NAMSIZ)
		return -ENOENT;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, name);
	return ask(NETLINK_GENERIC, nlh, on_family, id, &none);
}
