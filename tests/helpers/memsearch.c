/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Searches the whole memory of a process for byte strings.
 *
 *	memsearch PID <NEEDLES
 *
 * A needle is a line "NAME HEX". Every page that exists is read, whatever its protection, stacks and
 * free memory too. Each place prints a line
 *
 *	NAME ADDRESS locked|kept|loose MAPPING
 *
 * where kept means that the mapping is left out of core dumps and wiped in children, and locked
 * that it is also kept out of swap (VmFlags dd, wf and lo of proc_pid_smaps(5)). The last line is
 * "searched BYTES". Needs the right to trace the process.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	NEEDLES_MAX = 512,
	NEEDLE_MIN = 4, /* bytes; what is shorter is found everywhere */
	NEEDLE_LEN_MAX = 64,
	NAME_LEN = 96,
	PAGE = 4096,
	ENTRIES = 4096, /* of the page table, read at once */
};

/* A sanitizer's shadow: its page table alone would be gigabytes. */
static const uint64_t mapping_max = UINT64_C(16) << 30;

struct needle {
	char name[NAME_LEN];
	uint8_t bytes[NEEDLE_LEN_MAX];
	size_t len;
};

struct mapping {
	uint64_t start, end;
	char name[512];
	const char *care; /* "locked", "kept" or "loose" */
};

static struct needle needles[NEEDLES_MAX];
static unsigned int n_needles;
static bool begins[1 << 16]; /* by the first two bytes of a needle */
static uint64_t searched;

static unsigned int first_two(const uint8_t *p)
{
	return p[0] | (unsigned int)p[1] << 8;
}

static void read_needle(const char *name, const char *hex)
{
	struct needle *n = &needles[n_needles++];

	if (n_needles > NEEDLES_MAX)
		errx(2, "more than %d needles", NEEDLES_MAX);
	snprintf(n->name, sizeof(n->name), "%s", name);
	for (n->len = 0; hex[2 * n->len]; n->len++)
		if (n->len == NEEDLE_LEN_MAX ||
		    sscanf(hex + 2 * n->len, "%2hhx", &n->bytes[n->len]) != 1)
			errx(2, "%s: not 4 to 64 bytes in hex", name);
	if (n->len < NEEDLE_MIN)
		errx(2, "%s: not 4 to 64 bytes in hex", name);
	begins[first_two(n->bytes)] = true;
}

static void read_needles(void)
{
	char line[512], name[NAME_LEN], hex[2 * NEEDLE_LEN_MAX + 1];

	while (fgets(line, sizeof(line), stdin))
		if (sscanf(line, "%95s %128s", name, hex) == 2)
			read_needle(name, hex);
	if (!n_needles)
		errx(2, "no needles");
}

/* ---- one run of pages ---- */

static void search_bytes(const struct mapping *m, uint64_t address, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + NEEDLE_MIN <= len; i++) {
		if (!begins[first_two(p + i)])
			continue;
		for (unsigned int k = 0; k < n_needles; k++) {
			const struct needle *n = &needles[k];

			if (n->len <= len - i && !memcmp(p + i, n->bytes, n->len))
				printf("%s 0x%" PRIx64 " %s %s\n", n->name, address + i, m->care,
				       m->name);
		}
	}
	searched += len;
}

static void search_run(int mem, const struct mapping *m, uint64_t start, uint64_t end)
{
	size_t len = (size_t)(end - start);
	uint8_t *p = malloc(len);
	ssize_t n;

	if (!p)
		errx(1, "no memory for %zu bytes", len);
	n = pread(mem, p, len, (off_t)start);
	if (n > 0)
		search_bytes(m, start, p, (size_t)n);
	/* the kernel's own pages in every process cannot be read */
	if (n != (ssize_t)len && m->name[0] != '[')
		warn("%s: %zd of %zu bytes at 0x%" PRIx64, m->name, n, len, start);
	free(p);
}

/* ---- mappings ---- */

/* Reads the entries of the mapping's next pages: how many, 0 beyond what user space has. */
static size_t read_entries(int pagemap, uint64_t address, uint64_t end,
			   uint64_t entries[static ENTRIES])
{
	uint64_t n = (end - address) / PAGE;
	ssize_t got;

	if (n > ENTRIES)
		n = ENTRIES;
	got = pread(pagemap, entries, (size_t)n * sizeof(*entries),
		    (off_t)(address / PAGE * sizeof(*entries)));
	return got > 0 ? (size_t)got / sizeof(*entries) : 0;
}

/* Pages that exist lie in runs; each is searched as one, so that no needle is cut. */
static void search_mapping(int mem, int pagemap, const struct mapping *m)
{
	uint64_t entries[ENTRIES], run = 0, address = m->start;
	size_t n;

	if (m->end - m->start > mapping_max)
		return;
	while (address < m->end && (n = read_entries(pagemap, address, m->end, entries))) {
		for (size_t i = 0; i < n; i++, address += PAGE) {
			bool exists = entries[i] >> 62; /* present or in swap */

			if (exists && !run)
				run = address;
			if (!exists && run) {
				search_run(mem, m, run, address);
				run = 0;
			}
		}
	}
	if (run)
		search_run(mem, m, run, address);
}

/* The line that begins a mapping; the others have a colon after their first word. */
static bool read_header(const char *line, struct mapping *m)
{
	char perms[8], name[400] = "";
	uint64_t start, end;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %*s %399s", &start, &end, perms,
		   name) < 3)
		return false;
	m->start = start;
	m->end = end;
	snprintf(m->name, sizeof(m->name), "%s %s", *name ? name : "anonymous", perms);
	return true;
}

static const char *care_of(const char *flags)
{
	if (!strstr(flags, " dd") || !strstr(flags, " wf"))
		return "loose";
	return strstr(flags, " lo") ? "locked" : "kept";
}

static int open_of(const char *pid, const char *file)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

int main(int argc, char **argv)
{
	struct mapping m = { 0 };
	char line[1024];
	int mem, pagemap;
	FILE *smaps;

	if (argc != 2)
		errx(2, "usage: memsearch PID <NEEDLES");
	read_needles();
	mem = open_of(argv[1], "mem");
	pagemap = open_of(argv[1], "pagemap");
	smaps = fdopen(open_of(argv[1], "smaps"), "r");
	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (read_header(line, &m))
			continue;
		if (strncmp(line, "VmFlags:", 8) != 0)
			continue;
		m.care = care_of(line);
		search_mapping(mem, pagemap, &m);
	}
	printf("searched %" PRIu64 "\n", searched);
	return 0;
}
