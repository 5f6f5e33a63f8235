/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One structure, written and read whole. */
#include "host/programs_state.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"

int programs_state_pack(const struct programs_state *s)
{
	_cleanup_fd_ int fd = memfd_create("ktlsd-programs", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, s, sizeof(*s)) != sizeof(*s))
		return -EIO;
	return fd_take(&fd);
}

static bool is_text(const char *text, size_t len)
{
	return memchr(text, '\0', len);
}

static bool is_sound(const struct programs_state *s)
{
	if (s->stage >= PROGRAMS_N_STAGES || s->n > PROGRAMS_MAX || s->error < 0 ||
	    !is_text(s->text, sizeof(s->text)))
		return false;
	for (uint32_t i = 0; i < s->n; i++)
		if (!is_text(s->programs[i].name, PROGRAM_NAME_LEN) || s->programs[i].error < 0 ||
		    !is_text(s->programs[i].text, PROGRAM_TEXT_LEN))
			return false;
	return true;
}

int programs_state_unpack(int fd, struct programs_state *s)
{
	if (pread(fd, s, sizeof(*s), 0) == sizeof(*s) && is_sound(s))
		return 0;
	*s = (struct programs_state){ .stage = PROGRAMS_LOADING };
	return -EPROTO;
}
