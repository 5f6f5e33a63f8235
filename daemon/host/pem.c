/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads PEM files into secret memory, since a key may be in a file where none belongs. */
#include "host/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "host/secret.h"

static const char begin[] = "-----BEGIN ";
static const char dashes[] = "-----";

/* Finds the next block: its label, up to `len` bytes. Gives the text after the label, or NULL. */
static const char *next_block(const char *text, const char **label, size_t *len)
{
	const char *end;

	text = strstr(text, begin);
	if (!text)
		return NULL;
	*label = text + strlen(begin);
	end = strstr(*label, dashes);
	if (!end)
		return NULL;
	*len = (size_t)(end - *label);
	return end + strlen(dashes);
}

static bool ends_with(const char *label, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len >= n && !memcmp(label + len - n, word, n);
}

static bool starts_with(const char *label, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len >= n && !memcmp(label, word, n);
}

/* True if "-----END label-----" follows. */
static bool is_closed(const char *rest, const char *label, size_t len)
{
	const char *end = strstr(rest, "-----END ");

	if (!end)
		return false;
	end += strlen("-----END ");
	return !strncmp(end, label, len) && !strncmp(end + len, dashes, strlen(dashes));
}

const char *pem_check(const char *text, enum pem_kind kind)
{
	unsigned n_certificates = 0, n_keys = 0;
	const char *label;
	size_t len;

	while ((text = next_block(text, &label, &len))) {
		if (!is_closed(text, label, len))
			return "is cut off: a BEGIN line has no END line";
		n_certificates += ends_with(label, len, "CERTIFICATE");
		n_keys += ends_with(label, len, "PRIVATE KEY");
		if (kind == PEM_KEY && ends_with(label, len, "PRIVATE KEY") &&
		    (starts_with(label, len, "ENCRYPTED") || strstr(text, "Proc-Type: "
									  "4,ENCRYPTED")))
			return "is encrypted; decrypt it with 'openssl pkey', nobody can type a "
			       "pass phrase here";
	}
	if (kind == PEM_CERTIFICATES && n_keys)
		return "holds a private key; keep that in a file of its own and name it in 'key'";
	if (kind == PEM_CERTIFICATES && !n_certificates)
		return "holds no PEM certificate (BEGIN CERTIFICATE)";
	if (kind == PEM_KEY && !n_keys)
		return n_certificates ? "holds a certificate; the private key belongs here" :
					"holds no PEM private key (BEGIN PRIVATE KEY)";
	if (kind == PEM_KEY && n_keys > 1)
		return "holds more than one private key; keep the certificate's";
	return NULL;
}

/* Reads exactly len bytes, the size that fstat() saw. */
static int read_whole(int fd, char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, text + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBUSY; /* shrunk while we read */
		done += (size_t)n;
	}
	return 0;
}

static int explain(int err, const char *what, char *why, size_t size)
{
	snprintf(why, size, "%s: %s", what, strerror(-err));
	return err;
}

/* Opens without waiting for a FIFO's writer. */
static int open_regular(const char *path, struct stat *st, char *why, size_t why_size)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, st) < 0)
		return explain(-errno, "cannot be opened", why, why_size);
	if (!S_ISREG(st->st_mode)) {
		snprintf(why, why_size, "is no regular file");
		return -EINVAL;
	}
	if (st->st_size > PEM_LEN_MAX) {
		snprintf(why, why_size, "is larger than 1 MiB");
		return -EFBIG;
	}
	return fd_take(&fd);
}

int pem_read(const char *path, enum pem_kind kind, struct pem *pem, char *why, size_t why_size)
{
	const char *doubt;
	struct stat st;
	_cleanup_fd_ int fd = open_regular(path, &st, why, why_size);
	int r;

	if (fd < 0)
		return fd;
	*pem = (struct pem){ .len = (size_t)st.st_size, .mode = st.st_mode };
	pem->text = secret_new(pem->len);
	if (!pem->text)
		return explain(-ENOMEM, "cannot be read", why, why_size);
	r = read_whole(fd, pem->text, pem->len);
	if (r < 0) {
		explain(r, "cannot be read", why, why_size);
	} else {
		doubt = memchr(pem->text, '\0', pem->len) ? "is no text file; PEM is needed" :
							    pem_check(pem->text, kind);
		if (doubt) {
			snprintf(why, why_size, "%s", doubt);
			r = -EINVAL;
		}
	}
	if (r < 0) {
		secret_free(pem->text, pem->len);
		pem->text = NULL;
	}
	return r;
}
