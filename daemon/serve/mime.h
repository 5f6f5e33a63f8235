/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Media types of files by the end of their names, from the system's table. No charset is ever
 * added: a table by names cannot know it, HTML and XML say it themselves, and a wrong one is worse
 * than none.
 */
#ifndef KTLSD_SERVE_MIME_H
#define KTLSD_SERVE_MIME_H

struct mime;

/* Debian's package media-types has it. */
#define MIME_TABLE "/etc/mime.types"

/* The type of what the table does not know. */
#define MIME_UNKNOWN "application/octet-stream"

/*
 * Reads a table in the format of mime.types(5): one reference, or NULL with errno. Lines that it
 * cannot use are passed over; of several types for one ending the first counts.
 */
struct mime *mime_load(const char *path);
struct mime *mime_ref(struct mime *m);
void mime_unref(struct mime *m); /* NULL is fine */

/* The type of a file with that name, never NULL; it lives as long as m. NULL knows no type. */
const char *mime_find(const struct mime *m, const char *name);

#endif
