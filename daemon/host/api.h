/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Varlink API of the server's main thread: who may ask, and what is answered. */
#ifndef KTLSD_HOST_API_H
#define KTLSD_HOST_API_H

struct api;
struct service;

/* Serves on a listening unix socket, which it takes over. NULL when memory is short. */
struct api *api_new(struct service *service, int listen_fd);
void api_free(struct api *api); /* closes everything; NULL is fine */

/* After each batch of the loop: frees what was closed in it. */
void api_reap(struct api *api);

/* The monitor's answer to what a client wants of the kernel programs: "" or why not. */
void api_observed(struct api *api, const char *error);

/* The monitor's answer to a reload that a client asked for: "" or why it failed. */
void api_reloaded(struct api *api, const char *error);

#endif
