/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection: the state machine from accept to its end. conn_enter() in conn.c is the only
 * writer of a state, conn_end() the only way out, and every end has a reason.
 */
#ifndef KTLSD_SERVE_CONN_H
#define KTLSD_SERVE_CONN_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/loop.h"
#include "base/state.h"
#include "serve/peer.h"
#include "tls/channel.h"
#include "tls/handshake.h"
#include "tls/posthandshake.h"

struct address;
struct listener;
struct port;
struct worker;

/* What is watched of a connection's sockets. */
enum { CONN_EVENTS = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI };

struct conn {
	struct conn *prev, *next;     /* in port->due[deadline] */
	struct conn *older, *younger; /* in port->oldest; older is NULL: not in it */
	struct conn *queue_next;      /* in one of the worker's queues */
	struct port *port;
	enum conn_state state;
	enum deadline deadline;
	uint64_t due_ns;
	struct watch client;
	uint64_t cookie; /* the kernel's socket cookie */
	uint64_t accepted_ns;
	struct address *address;     /* counted in the limit of its address, or NULL */
	struct handshake *handshake; /* until OPEN */
	struct channel channel;	     /* from the handshake's end */
	struct posthandshake posthandshake;
	uint64_t bytes[N_DIRECTIONS]; /* payload delivered */
	struct conn_facts *facts;     /* for people; owned, may be NULL */
	struct conn_fallback {
		enum reason reason; /* REASON_NONE: in the kernel */
		int err;
	} fallback[N_DIRECTIONS];
	enum reason end; /* first reason wins */
	uint16_t version;
	uint8_t alert_due; /* enum alert to be sent, or ALERT_NONE */
	uint8_t alert_sent, alert_received;
	int end_err, ulp_err, library_err;
	uint64_t acked;	   /* of the client, when last looked at: see is_settled() of client.c */
	uint8_t n_settled; /* looks in a row that found nothing unacknowledged */
	bool has_handshake_slot : 1; /* counted in handshakes in flight */
	bool has_input : 1;	     /* the client's socket has had an event of more than room */
	bool rx_finished : 1;	     /* the client sends no more, and the backend knows */
	bool tx_finished : 1;	     /* close_notify and FIN were sent: nothing more will be */
	bool is_queued : 1;	     /* in the worker's queue of those to be called again */
	bool update_due : 1;	     /* a KeyUpdate of ours waits to be sent */
	bool update_is_ours : 1;     /* and nobody has asked for it */
	bool close_notify_received : 1;
	bool goodbye_begun : 1; /* alert_due was set for the end */
	bool deliver_first : 1; /* DRAIN: what is in flight goes before the alert */
	bool fin_sent : 1;	/* DRAIN: waiting for the peer to go */
	struct peer peer;
	alignas(max_align_t) unsigned char backend_state[]; /* the backend's own */
};

/* Strings of one connection, in one block. */
struct conn_facts {
	bool resumed;
	char group[24], alpn[HANDSHAKE_NAME_LEN], sni[HANDSHAKE_NAME_LEN];
};

/* Its deadline has passed. */
void conn_expire(struct conn *c);

/* Calls it again after a yield or a retry. */
void conn_resume(struct conn *c);

/* True if it is open and may end without cutting anything off. */
bool conn_is_idle(const struct conn *c);

/* Ends it now, telling the peer if that is still possible. */
void conn_end(struct conn *c, enum reason reason, int err);

/* For setup.c and the backends: the step to another state, and the end without a word to the peer. */
void conn_enter(struct conn *c, enum conn_state state);
void conn_close(struct conn *c);

/* Frees a CLOSED one, after the batch of events in which it closed. */
void conn_free(struct conn *c);

/* What people may know of it. */
struct conn_info {
	uint64_t cookie, age_ns;
	char listener[64];
	enum conn_state state;
	struct sockaddr_storage local, peer;
	uint16_t version;
	const char *cipher; /* static, or NULL before the handshake's end */
	struct conn_facts facts;
	struct conn_side_info {
		enum mode mode;
		enum reason reason;
		int err;
		uint64_t bytes;
		uint32_t rekeys;
	} side[N_DIRECTIONS];
};

void conn_describe(const struct conn *c, struct conn_info *info);

#endif
