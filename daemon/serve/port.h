/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A listener in one worker: its socket, its connections, and when they are due. Belongs to the
 * worker's thread.
 */
#ifndef KTLSD_SERVE_PORT_H
#define KTLSD_SERVE_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/state.h"

struct conn;
struct listener;
struct worker;

struct port {
	struct port *next;
	struct worker *worker;
	struct listener *listener;    /* a reference */
	struct watch accept;	      /* owns the listening socket */
	uint64_t accept_turn;	      /* of the loop, when there was somebody to be accepted */
	unsigned accept_streak;	      /* turns in a row before that one with somebody */
	int stopped_fd;		      /* owns it instead while it does not listen */
	struct conn *due[DEADLINE_N]; /* connections by deadline, soonest first */
	struct conn *oldest;	      /* all of them by age, if the listener limits that */
	unsigned n_conns;
	uint64_t cut_ns;   /* draining: when those that are still busy end; 0: it is not */
	uint64_t sweep_ns; /* draining: when to look for idle ones again */
	bool retired;	   /* takes no more connections; freed with its last one */
};

/* A port of that worker with the listening socket, which is taken over. A failure is logged. */
void port_open(struct worker *w, struct listener *l, int fd);

/* Gives the socket up and frees the port, at once or with its last connection: port_reap(). */
void port_retire(struct port *p);
void port_reap(struct port *p);

/* Puts a new connection on the list by age, if there is one, and takes it off. */
void port_note_age(struct port *p, struct conn *c);
void port_forget_age(struct port *p, struct conn *c);

/* Stops and goes on with accepting, while no descriptor is left. */
void port_pause(struct port *p, bool pause);

/*
 * Takes what has come so far, then stops listening, so that whoever comes is refused at once as
 * by a host where nobody listens (ECONNREFUSED). The address stays bound. From now on idle
 * connections end, and at cut_ns all of them, with REASON_DRAINED.
 */
void port_drain(struct port *p, uint64_t cut_ns);

/* Undoes that: listens again. 0 or -errno: another program may listen there meanwhile. */
int port_resume(struct port *p);

/* When port_expire() has something to do; UINT64_MAX: not by itself. */
uint64_t port_next_deadline(const struct port *p);

/* Ends what is due. */
void port_expire(struct port *p, uint64_t now);

#endif
