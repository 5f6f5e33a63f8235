/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decodes paths, and has the kernel keep them beneath the root (openat2(2)). */
#include "serve/document.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "serve/mime.h"

/* The kernel gives up a walk through ".." of a link while somebody renames (EAGAIN). */
enum { OPEN_TRIES = 4 };

/* ---- paths ---- */

static int hex_digit(char c)
{
	if (http_is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at the head of the path, decoded, or -status. */
static int take_byte(struct http_text *path)
{
	int high, low, byte = (unsigned char)path->data[0];

	if (byte != '%') {
		http_text_skip(path, 1);
		return byte;
	}
	if (path->len < 3)
		return -400;
	high = hex_digit(path->data[1]);
	low = hex_digit(path->data[2]);
	if (high < 0 || low < 0 || !(high << 4 | low))
		return -400;
	http_text_skip(path, 3);
	byte = high << 4 | low;
	return byte == '/' ? -404 : byte;
}

/* Takes one segment, up to and with its slash, behind what p has. 0 or the status. */
static int take_segment(struct document_path *p, struct http_text *path)
{
	while (path->len && path->data[0] != '/') {
		int byte = take_byte(path);

		if (byte < 0)
			return -byte;
		if (p->len + 2 >= sizeof(p->text)) /* a slash and a NUL may follow */
			return 414;
		p->text[p->len++] = (char)byte;
	}
	p->is_directory = path->len;
	if (path->len)
		http_text_skip(path, 1);
	return 0;
}

/* Judges the segment that begins at `start`. 0, or 400 for one that leaves the root. */
static int end_segment(struct document_path *p, size_t start)
{
	size_t len = p->len - start;
	const char *segment = p->text + start;

	if (!len)
		return 0;
	if (segment[0] == '.' && (len == 1 || (len == 2 && segment[1] == '.'))) {
		p->is_directory = true;
		p->len = start;
		if (len == 1)
			return 0;
		if (!start)
			return 400;
		for (p->len--; p->len && p->text[p->len - 1] != '/';)
			p->len--;
		return 0;
	}
	p->text[p->len++] = '/';
	return 0;
}

int document_decode(struct document_path *p, struct http_text path)
{
	int status;

	p->len = 0;
	p->is_directory = true;
	if (!path.len || path.data[0] != '/')
		return 400;
	while (path.len) {
		size_t start = p->len;

		status = take_segment(p, &path);
		if (!status)
			status = end_segment(p, start);
		if (status)
			return status;
	}
	if (p->len)
		p->len--; /* the last slash: is_directory says whether the client sent one */
	else
		p->is_directory = true;
	p->text[p->len] = '\0';
	return 0;
}

/* What need not be encoded in a path (RFC 3986 2.3). */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || http_is_digit(c) ||
	       (c && strchr("-._~/", c));
}

int document_locate(char location[HTTP_LOCATION_MAX], const struct document_path *p)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;

	location[n++] = '/';
	for (size_t i = 0; i < p->len; i++) {
		unsigned char c = (unsigned char)p->text[i];

		if (n + 5 > HTTP_LOCATION_MAX) /* an escape, a slash, a NUL */
			return 414;
		if (is_plain((char)c)) {
			location[n++] = (char)c;
		} else {
			location[n++] = '%';
			location[n++] = digits[c >> 4];
			location[n++] = digits[c & 15];
		}
	}
	if (p->len)
		location[n++] = '/';
	location[n] = '\0';
	return 0;
}

/* ---- files ---- */

/* -errno of openat2(), which the C library does not know before 2.42. */
static int open_beneath(int dir, const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int tries = OPEN_TRIES;
	long fd;

	do
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || (errno == EAGAIN && --tries)));
	return fd < 0 ? -errno : (int)fd;
}

int document_open_root(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	/* by the same call, so that whatever forbids it is known before the first request */
	return fd < 0 ? -errno : open_beneath(fd, ".", O_PATH | O_DIRECTORY);
}

static int status_of(int err)
{
	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
	case -ENAMETOOLONG:
	case -ELOOP:
	case -EXDEV: /* leaves the root */
	case -ENXIO: /* a socket, or a device that is not there */
	case -ENODEV:
		return -404;
	case -EACCES:
	case -EPERM:
		return -403;
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
		return -503;
	default:
		return -500;
	}
}

/* The directory's index, or the path itself, as text for open_beneath(). NULL: too long. */
static const char *target_of(const struct document_root *root, const struct document_path *p,
			     char text[DOCUMENT_PATH_MAX])
{
	int n;

	if (!p->is_directory)
		return p->text;
	n = snprintf(text, DOCUMENT_PATH_MAX, "%s%s%s", p->text, p->len ? "/" : "", root->index);
	return n < DOCUMENT_PATH_MAX ? text : NULL;
}

static void describe(const struct document_root *root, const char *path, const struct stat *st,
		     struct http_entity *e)
{
	const char *slash = strrchr(path, '/');

	e->size = (uint64_t)st->st_size;
	e->modified = st->st_mtim.tv_sec;
	e->type = mime_find(root->mime, slash ? slash + 1 : path);
	http_make_etag(e->etag, e->size, st->st_mtim, st->st_ino);
}

int document_open(const struct document_root *root, const struct document_path *p,
		  struct http_entity *e)
{
	char buf[DOCUMENT_PATH_MAX];
	const char *path = target_of(root, p, buf);
	_cleanup_fd_ int fd = -1;
	struct stat st;

	if (!path)
		return -404;
	/* O_NONBLOCK: a pipe without a writer would be waited for */
	fd = open_beneath(root->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return status_of(fd);
	if (fstat(fd, &st))
		return status_of(-errno);
	if (S_ISDIR(st.st_mode) && !p->is_directory)
		return -301;
	if (!S_ISREG(st.st_mode))
		return -404;
	describe(root, path, &st, e);
	return fd_take(&fd);
}
