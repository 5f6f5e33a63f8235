/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Goes through /proc once, then asks of each process whether its parent is known to belong. */
#include "cli/family.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/util.h"

enum { NAMED_MAX = 8 };

struct process {
	int64_t pid, parent;
	bool belongs;
};

struct processes {
	struct process *items;
	size_t n, room;
};

/* "281 (any name) S 280 ...": 0 when it has gone. */
static int64_t parent_read(const char *pid)
{
	char path[32], line[256], state;
	int64_t parent = 0;
	const char *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fgets(line, sizeof(line), file)) {
		end = strrchr(line, ')');
		if (!end || sscanf(end, ") %c %" SCNd64, &state, &parent) != 2)
			parent = 0;
	}
	fclose(file);
	return parent;
}

static bool processes_add(struct processes *all, const char *name)
{
	struct process *more;

	if (all->n == all->room) {
		more = realloc(all->items, (all->room + 256) * sizeof(*more));
		if (!more)
			return false;
		all->items = more;
		all->room += 256;
	}
	all->items[all->n++] =
		(struct process){ .pid = strtoll(name, NULL, 10), .parent = parent_read(name) };
	return true;
}

static int process_compare(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static bool processes_read(struct processes *all)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	bool ok = dir;

	while (ok && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name) &&
		    strtoll(entry->d_name, NULL, 10) != getpid())
			ok = processes_add(all, entry->d_name);
	if (dir)
		closedir(dir);
	if (ok && all->n)
		qsort(all->items, all->n, sizeof(*all->items), process_compare);
	return ok;
}

static bool belongs(const struct processes *all, int64_t pid)
{
	const struct process key = { .pid = pid }, *found;

	found = bsearch(&key, all->items, all->n, sizeof(key), process_compare);
	return found && found->belongs;
}

/* Pids wrap around, so a child may stand before its parent. */
static void processes_mark(struct processes *all, int64_t pid)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < all->n; i++) {
			struct process *p = &all->items[i];

			if (p->belongs || p->pid == pid ||
			    (p->parent != pid && !belongs(all, p->parent)))
				continue;
			p->belongs = more = true;
		}
	}
}

struct json *family_look(int64_t pid)
{
	struct processes all = { 0 };
	struct json *list = NULL, *one;

	if (processes_read(&all)) {
		processes_mark(&all, pid);
		list = json_new_array();
		for (size_t i = 0; i < all.n; i++) {
			if (!all.items[i].belongs)
				continue;
			one = json_new();
			json_set_int(one, "pid", all.items[i].pid);
			json_set_int(one, "parent", all.items[i].parent);
			json_append(list, one);
		}
	}
	free(all.items);
	return list;
}

static int64_t number_of(struct json *object, const char *key)
{
	int64_t value = 0;

	(void)json_get_int(object, key, &value);
	return value;
}

size_t family_count(struct json *process)
{
	struct json *list;

	return process && !json_get_array(process, "descendants", &list) ? json_length(list) : 0;
}

/* The i-th of them, or NULL. */
static struct json *member_at(struct json *process, size_t i)
{
	struct json *list, *one;

	return json_get_array(process, "descendants", &list) || json_at(list, i, &one) ? NULL : one;
}

bool family_has(struct json *process, int64_t pid)
{
	size_t n = family_count(process);

	if (!process || pid <= 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (number_of(member_at(process, i), "pid") == pid)
			return true;
	return number_of(process, "pid") == pid;
}

static bool are_children(struct json *process, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (number_of(member_at(process, i), "parent") != number_of(process, "pid"))
			return false;
	return true;
}

/* Appends them, with a gap between. */
static void pids_append(struct json *process, const char *gap, char *text, size_t size)
{
	size_t n = family_count(process), at = strlen(text);

	for (size_t i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%" PRId64, i ? gap : "",
				       number_of(member_at(process, i), "pid"));
}

void family_format(struct json *process, char *text, size_t size)
{
	size_t n = family_count(process);
	bool direct = are_children(process, n);

	text[0] = '\0';
	if (!n)
		return;
	if (n > NAMED_MAX) {
		snprintf(text, size, " and its %zu %s", n, direct ? "children" : "descendants");
		return;
	}
	snprintf(text, size, " and its %s ",
		 n == 1 ? "child" :
		 direct ? "children" :
			  "descendants");
	pids_append(process, ", ", text, size);
}

void family_format_pids(struct json *process, char *text, size_t size)
{
	size_t n = family_count(process);

	snprintf(text, size, "%" PRId64 "%s", number_of(process, "pid"),
		 n && n <= NAMED_MAX ? "," : "");
	if (n <= NAMED_MAX)
		pids_append(process, ",", text, size);
}
