/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs' maps as user space has them: what is written into them before anything is loaded,
 * and how they are had again by their pins. What they hold is in maps.bpf.h.
 */
#ifndef KTLSD_BPF_MAPS_H
#define KTLSD_BPF_MAPS_H

#include <stdbool.h>
#include <stdint.h>

struct bpf_object;
struct ktls_meta;
struct ktls_settings;
struct observe_status;

/* Notes in the maps of an object that is loaded what this build is, and since when; in *meta too. 0
 * or -errno. */
int maps_fill(struct bpf_object *object, struct ktls_meta *meta);

/* Pins them all in DIR. 0 or -errno, told in *status. */
int maps_pin(struct bpf_object *object, const char *dir, struct observe_status *status);

/* A descriptor of the one that is pinned in DIR, or -errno. */
int maps_open(const char *dir, const char *name);

/* The only element of one whose values have that size. 0 or -errno; -EPROTO: it is another map. */
int maps_read(const char *dir, const char *name, void *value, uint32_t size);

/* Why maps with that in them are not of this build; NULL: they are. */
const char *maps_compare(const struct ktls_meta *theirs);

/* What the programs that are attached go by, from now on. 0 or -errno. */
int maps_write_settings(const char *dir, const struct ktls_settings *settings);

#endif
