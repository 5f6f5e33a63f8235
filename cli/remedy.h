/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reasons on the screen, by the wire string that the daemon sends. */
#ifndef KTLSD_CLI_REMEDY_H
#define KTLSD_CLI_REMEDY_H

/* Paragraphs: what happened, and what to do about it. A reason of a newer ktlsd has neither here,
 * and the text says so. */
void remedy_print_what(int indent, const char *wire);
void remedy_print_advice(int indent, const char *wire);

#endif
