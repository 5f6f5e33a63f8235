/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service manager's notification protocol (sd_notify(3)), without its library. */
#ifndef KTLSD_HOST_NOTIFY_H
#define KTLSD_HOST_NOTIFY_H

/* Sends "READY=1" and the like to $NOTIFY_SOCKET; does nothing without one. */
void notify(const char *state);

#endif
