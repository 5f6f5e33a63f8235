/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Heads of parts, and the boundary between them. */
#include "serve/multipart.h"

#include <string.h>
#include <sys/random.h>

/* Never fails for so few bytes once the system has booted: getrandom(2). */
static void make_boundary(char boundary[HTTP_BOUNDARY_MAX])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[(HTTP_BOUNDARY_MAX - 1) / 2] = { 0 };
	size_t n = 0;

	(void)!getrandom(bytes, sizeof(bytes), 0);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		boundary[n++] = digits[bytes[i] >> 4];
		boundary[n++] = digits[bytes[i] & 15];
	}
	boundary[n] = '\0';
}

void multipart_init(struct multipart *m, const struct http_entity *e,
		    const struct http_range *range, int n)
{
	m->entity = *e;
	memcpy(m->range, range, (size_t)n * sizeof(*range));
	m->n = n;
	m->next = 0;
	make_boundary(m->boundary);
}

uint64_t multipart_len(const struct multipart *m)
{
	char scratch[HTTP_HEAD_MAX];
	uint64_t len = http_write_part(scratch, &m->entity, NULL, m->boundary);

	for (int i = 0; i < m->n; i++)
		len += m->range[i].len +
		       http_write_part(scratch, &m->entity, &m->range[i], m->boundary);
	return len;
}

const struct http_range *multipart_next(struct multipart *m, char buf[HTTP_HEAD_MAX], size_t *len)
{
	const struct http_range *range = m->next < m->n ? &m->range[m->next] : NULL;

	*len = 0;
	if (m->next > m->n)
		return NULL;
	m->next++;
	*len = http_write_part(buf, &m->entity, range, m->boundary);
	return range;
}
