/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread's event loop: descriptors (edge-triggered), posted tasks, one timer, end of batch. */
#ifndef KTLSD_BASE_LOOP_H
#define KTLSD_BASE_LOOP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;

/* A descriptor in a loop. Embedded in its owner, who owns the descriptor too. */
struct watch {
	void (*ready)(struct watch *w, uint32_t events); /* EPOLL* bits */
	int fd;						 /* -1 while in no loop */
	/*
	 * The peer's FIN, an error or urgent data was among the events so far: from now on a
	 * receive of less than was asked for does not mean that nothing is left to be received.
	 */
	bool may_hide;
};

/* Work handed to a loop by another thread. Owned by the poster until run() is called. */
struct task {
	struct task *next;
	void (*run)(struct task *t);
};

struct loop {
	int epoll_fd;
	struct watch wake; /* eventfd: posted tasks and loop_stop() */
	bool stopping;
	uint64_t turn;	      /* batches of events so far */
	pthread_mutex_t lock; /* guards tasks */
	struct task *tasks;
	/* Called before each wait: when is the next deadline (ns, now_ns()), UINT64_MAX for none. */
	uint64_t (*next_deadline)(struct loop *l);
	/* Called after each batch of events with the time: expire deadlines, free what has ended. */
	void (*after_batch)(struct loop *l, uint64_t now);
};

/* 0 or -errno. */
int loop_init(struct loop *l);
void loop_fini(struct loop *l);

/*
 * Adds w->fd for `events`; EPOLLET is added unless `level` is true. 0 or -errno. A watch that is
 * removed while a batch runs may still be called in that batch: free its owner in after_batch.
 */
int loop_add(struct loop *l, struct watch *w, int fd, uint32_t events, bool level);

/* Changes a level-triggered watch's events. */
int loop_modify(struct loop *l, struct watch *w, uint32_t events);

/* Takes w out of the loop and gives its descriptor back, which stays open. -1 if it had none. */
int loop_remove(struct loop *l, struct watch *w);

/*
 * The same for a descriptor that is closed next and has no duplicate: closing it ends the watching.
 * -1 if it had none.
 */
int loop_forget(struct watch *w);

/* Hands t to the loop's thread. Any thread may call it. Tasks run in the order posted. */
void loop_post(struct loop *l, struct task *t);

/* Runs act(arg) in the loop's thread, which is another one, and waits until it has. */
void loop_call(struct loop *l, void (*act)(void *arg), void *arg);

/* Runs until loop_stop(). */
void loop_run(struct loop *l);

/* Makes loop_run() return after its batch. From the loop's own thread only. */
void loop_stop(struct loop *l);

#endif
