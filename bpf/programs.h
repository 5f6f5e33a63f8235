/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of the kernel programs, and loading some of them with libbpf. */
#ifndef KTLSD_BPF_PROGRAMS_H
#define KTLSD_BPF_PROGRAMS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct bpf_object;

enum program_kind {
	PROGRAM_ITER,
	PROGRAM_PROBE,
	PROGRAM_PAYLOAD, /* a probe, attached only while payload is accounted */
	PROGRAM_PRUNE,	 /* an iterator, run once by us and never pinned */
};

struct program {
	const char *section; /* of the object; names the target too */
	enum program_kind kind;
	bool alternative;     /* other kernels have this target, some have not: no loss */
	const char *map;      /* whose elements it walks; NULL: it is no such iterator */
	const char *function; /* of the object, where the section has several; else NULL */
};

extern const struct program programs[];
extern const unsigned int n_programs;

/* Sets of programs: bit i is programs[i]. */
typedef uint64_t program_set;

/* Those of a kind. */
program_set programs_select(enum program_kind kind);

/* The name of its pin. */
void program_pin(const struct program *p, char name[static NAME_MAX]);

/* All maps are pinned as PROGRAM_MAP_PREFIX and their name. */
#define PROGRAM_MAP_PREFIX "map_"
#define PROGRAM_LINK_PREFIX "link_"
extern const char *const program_maps[];
extern const unsigned int n_program_maps;

/* Of what this build would load. */
uint64_t programs_build(void);

/* Loads a set, with new maps or, if `dir` is given, with those pinned there. Closed by
 * programs_unload(), with which everything goes that was not pinned. 0 or -errno. */
int programs_load(struct bpf_object **object, program_set set, const char *dir);
void programs_unload(struct bpf_object **object);
#define _cleanup_programs_ __attribute__((cleanup(programs_unload)))

/* Attaches a loaded program and pins it as `path`. 0 or -errno. */
int program_attach(struct bpf_object *object, const struct program *p, const char *path);

/* Runs a loaded PROGRAM_PRUNE over its map: *n is how many elements it has removed. 0 or -errno. */
int program_prune(struct bpf_object *object, const struct program *p, unsigned int *n);

#endif
